import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import { openRecovered } from './recovery.ts'
import { agentConfigOf } from './testing/fixture.ts'

test('an agent with another name does not take over a spool, whose messages would be refused in the cloud for ever', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-renamed-'))
  const open = async (agent: string) => {
    const config = { ...agentConfigOf({ dataDir, cloudPort: 1 }), agent }
    const { spool } = await openRecovered({
      ...{ config, clock: manualClock(Date.UTC(2026, 2, 1)), log: silentLogger },
      openRules: async () => undefined,
    })
    return spool
  }
  const { name } = await open('pi-1').then(async (spool) => {
    await spool.close()
    return spool
  })
  await expect(open('pi-2')).rejects.toMatchObject({
    code: 'spool-foreign',
    exitCode: 2,
    message: 'the spool is that of the agent pi-1, not of pi-2',
  })
  const again = await open('pi-1')
  expect(again.name).toBe(name)
  await again.close()
})
