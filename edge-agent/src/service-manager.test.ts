import { silentLogger } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAgent } from './lives.ts'
import { type ManagerEnvironment, ServiceManager } from './service-manager.ts'
import { agentConfigOf, Bench, freePort } from './testing/fixture.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

function manager(environment: ManagerEnvironment, fails = false) {
  const told: string[] = []
  const log = recordingLogger()
  const send = async (lines: readonly string[]) => {
    if (fails) throw new Error('no such socket')
    told.push(...lines)
  }
  return { told, log, made: new ServiceManager({ environment, pid: 42, log, send }) }
}

const watched = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '300000' }

describe('what systemd is told', () => {
  it('is nothing without systemd', async () => {
    const { made, told } = manager({ WATCHDOG_USEC: '300000' })
    await made.ready()
    expect([told, made.watchdogMs]).toEqual([[], undefined])
  })

  it('is no proof of life where another process is watched', () => {
    expect(manager({ ...watched, WATCHDOG_PID: '41' }).made.watchdogMs).toBeUndefined()
    expect(manager({ ...watched, WATCHDOG_PID: '42' }).made.watchdogMs).toBe(300)
  })

  it('is logged once where systemd does not hear it', async () => {
    const { made, log } = manager(watched, true)
    await made.ready()
    await made.alive('well')
    expect(log.lines).toHaveLength(1)
  })

  it('is ready, alive without any cloud, and stopping', async () => {
    const { made, told } = manager(watched)
    const config = agentConfigOf({ dataDir: await bench.folder(), cloudPort: await freePort() })
    const clock = { now: () => Date.now(), monotonic: () => performance.now() }
    const agent = await startAgent({ config, clock, log: silentLogger, manager: made })
    bench.onClose(() => agent.stop())
    expect(told).toEqual(['READY=1'])
    await until(() => told.includes('WATCHDOG=1'))
    expect(told.at(-1)).toBe('STATUS=0 devices, uplink not connected')
    // A spool that does not answer ends the proofs, and nothing else does.
    await agent.pipeline.spool.close()
    await until(async () => (await agent.pipeline.spool.probe().catch(() => 'closed')) === 'closed')
    const proofs = told.length
    await new Promise((resolve) => setTimeout(resolve, 350))
    expect(told.length - proofs).toBeLessThanOrEqual(2)
    await agent.stop().catch(() => undefined)
    expect(told.at(-1)).toBe('STOPPING=1')
  })
})
