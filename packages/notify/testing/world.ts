import type { Alert } from '@millrace/contracts'
import { checkConfig, type ManualClock, manualClock, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { notifySchema } from '../src/config.ts'
import { Delivery } from '../src/delivery.ts'
import type { SpooledNotifier } from '../src/notifier.ts'
import { type Ask, resume } from '../src/open-notifier.ts'
import { policyOf } from '../src/policy.ts'
import { type Channel, NotDeliveredError, type Notice } from '../src/types.ts'
import { t0 } from './alerts.ts'
import { Disk, type KillPoint, MortalSpool } from './memory-spool.ts'

/** `answer lost`, `hangs`: it arrives, but the sender does not hear of it, at once or for long. */
export type Health = 'up' | 'down' | 'answer lost' | 'hangs'

export interface FarEnd {
  tells: Channel['tells']
  health: Health
  received: Notice[]
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** Where many alerts are in one notice, all of them are listed. */
const allListed = 10_000

/** One notifier after the other on one disk, with channels of any health and a process that can die at any point. */
export class World {
  readonly clock: ManualClock = manualClock(t0)
  readonly ends: Record<string, FarEnd>
  readonly #disk = new Disk()
  #spool: MortalSpool | undefined
  #notifier: SpooledNotifier | undefined
  #given = 0

  constructor(ends: Record<string, Channel['tells']>) {
    const far = (tells: Channel['tells']): FarEnd => ({ tells, health: 'up', received: [] })
    this.ends = Object.fromEntries(Object.entries(ends).map(([name, tells]) => [name, far(tells)]))
  }

  async #open(): Promise<SpooledNotifier> {
    const spool = new MortalSpool(this.#disk)
    const channels = Object.keys(this.ends).map((name) => ({ type: 'log', name }))
    const config = checkConfig({ channels, remindEvery: 'never' }, notifySchema, 'a test')
    const backoff = { minMs: 0, maxMs: 0 }
    const options = { config, spool, clock: this.clock, log: silentLogger, evaluator: 'ingest', backoff }
    const lineOf = (ask: Ask) => (settings: { type: string }) => {
      const { name } = settings as { type: string; name: string }
      const channel = this.#channel(this.ends[name]!, spool)
      const policy = { ...policyOf(settings, channel.tells, config), maxItems: allListed }
      const way = { name, channel, timeoutMs: 50, backoff, log: silentLogger }
      return { policy, channel, delivery: new Delivery({ ...way, isOutdated: () => ask.isOutdated(name) }) }
    }
    const notifier = await resume(options, (ask) => Promise.resolve(config.channels.map(lineOf(ask))))
    notifier.start()
    this.#spool = spool
    this.#notifier = notifier
    return notifier
  }

  #channel(end: FarEnd, spool: MortalSpool): Channel {
    return {
      tells: end.tells,
      async send(notice, signal) {
        if (end.health === 'down') throw new NotDeliveredError('down')
        if (spool.killed) return await untilAborted(signal)
        end.received.push(structuredClone(notice))
        await spool.reach('after-send')
        if (end.health === 'hangs') await untilAborted(signal)
        if (end.health === 'answer lost') throw new Error('reset')
      },
      close: () => Promise.resolve(),
    }
  }

  async #alive(): Promise<SpooledNotifier> {
    if (this.#notifier && !this.#spool?.killed) return this.#notifier
    this.#bury()
    return await this.#open()
  }

  /** Its timers would go on in this process, which only the test survives. */
  #bury(): void {
    if (this.#spool) this.#spool.killed = true
    void this.#notifier?.stop()
  }

  kill(): void {
    if (this.#spool) this.#spool.killed = true
  }

  arm(point: KillPoint): void {
    if (this.#spool) this.#spool.killAt = point
  }

  async restart(): Promise<void> {
    const notifier = await this.#alive()
    if (await this.#orKilled(notifier.stop())) this.#notifier = undefined
  }

  /** As an evaluator does it: what is not on disk it judges and writes again. */
  async give(alerts: Alert[]): Promise<void> {
    this.#given += 1
    while (!this.#disk.hasGiven(this.#given)) {
      const notifier = await this.#alive()
      const plan = notifier.plan(alerts)
      const mark = { sql: 'INSERT INTO given VALUES (?)', rows: [[this.#given]] }
      if (await this.#orKilled(this.#spool!.write([...plan.statements, mark]))) plan.committed()
    }
  }

  async look(seconds = 0): Promise<void> {
    this.clock.advance(seconds * 1_000)
    const notifier = await this.#alive()
    await this.#orKilled(notifier.look())
    await new Promise((resolve) => setTimeout(resolve, 2))
  }

  async #orKilled(work: Promise<void>): Promise<boolean> {
    const spool = this.#spool!
    let done = false
    void work.then(() => {
      done = true
    })
    await until(() => done || spool.killed, { everyMs: 0, label: 'the write' })
    return done
  }

  /** Everything is well, and stays so until nothing is left to tell. */
  async settle(): Promise<void> {
    for (const end of Object.values(this.ends)) end.health = 'up'
    await until(
      async () => {
        await this.look(61)
        const notifier = await this.#alive()
        return notifier
          .status()
          .every(({ channel, waiting }) => waiting === 0 || this.ends[channel]!.health === 'hangs')
      },
      { withinMs: 20_000, everyMs: 0, label: 'nothing left to tell' },
    )
  }

  async close(): Promise<void> {
    if (this.#notifier && !this.#spool?.killed) await this.#orKilled(this.#notifier.stop())
    this.#bury()
  }
}
