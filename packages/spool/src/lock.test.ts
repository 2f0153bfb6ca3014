import { expect, test } from 'vitest'
import { until } from '../../pipeline/testing/index.ts'
import { newFolder, spoolOptions, startChild } from '../testing/index.ts'
import { openSpool } from './index.ts'

test('a second process is refused while the first lives, and let in after kill -9 of the first', async () => {
  const folder = newFolder()
  const first = startChild('./writer.ts', [folder])
  await until(() => first.lines.includes('open'))
  await expect(openSpool(spoolOptions(folder))).rejects.toMatchObject({
    code: 'spool-locked',
    exitCode: 1,
    message: `the spool in ${folder} is in use by another process (process ${first.process.pid})`,
  })
  first.process.kill('SIGKILL')
  await first.exited
  const spool = await openSpool(spoolOptions(folder))
  await spool.close()
})

test('a second opener in the same process is refused until the first has closed', async () => {
  const folder = newFolder()
  const first = await openSpool(spoolOptions(folder))
  await expect(openSpool(spoolOptions(folder))).rejects.toMatchObject({ code: 'spool-locked' })
  await first.write([{ sql: 'INSERT INTO twins VALUES (1)', rows: [[]] }])
  await first.close()
  const second = await openSpool(spoolOptions(folder))
  expect(await second.read('SELECT id FROM twins')).toEqual([[1]])
  await second.close()
})
