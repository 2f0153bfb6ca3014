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

/** `answer lost`: it arrives, but the sender does not hear of it. */
export type Health = 'up' | 'down' | 'answer lost' | 'hangs'

export interface FarEnd {
  tells: Channel['tells']
  health: Health
  received: Notice[]
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
  restarts = 0

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
      const way = { name, channel, timeoutMs: 60_000, backoff, log: silentLogger }
      return { policy, channel, delivery: new Delivery({ ...way, isOutdated: () => ask.isOutdated(name) }) }
    }
    const notifier = await resume(options, (ask) => Promise.resolve(config.channels.map(lineOf(ask))))
    notifier.start()
    this.#spool = spool
    this.#notifier = notifier
    this.restarts += 1
    return notifier
  }

  #channel(end: FarEnd, spool: MortalSpool): Channel {
    return {
      tells: end.tells,
      async send(notice, signal) {
        if (spool.killed || end.health === 'hangs') {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        }
        if (end.health === 'down') throw new NotDeliveredError('down')
        end.received.push(structuredClone(notice))
        await spool.reach('after-send')
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
    await (await this.#alive()).stop()
    this.#notifier = undefined
  }

  /** As an evaluator does it: what it could not write it judges and writes again. */
  async give(alerts: Alert[]): Promise<void> {
    for (;;) {
      const notifier = await this.#alive()
      const spool = this.#spool!
      const plan = notifier.plan(alerts)
      const written = await this.#orKilled(spool.write(plan.statements))
      if (written) plan.committed()
      if (written || spool.killAt === 'after-write') return
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
    for (const end of Object.values(this.ends)) if (end.health !== 'hangs') end.health = 'up'
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
    if (!this.#spool?.killed) await this.#notifier?.stop()
    else this.#bury()
  }
}
