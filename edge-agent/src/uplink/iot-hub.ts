import { hubTiers } from '@millrace/contracts'
import { definePlugin, type Logger, pause, UnreachableError, UsageError } from '@millrace/pipeline'
import {
  createIotHubLink,
  type HubMessage,
  type IotHubLink,
  type IotHubLinkContext,
  type IotHubSettings,
  iotHubSettings,
} from '@millrace/transports'
import { z } from 'zod'
import { duration } from '../window-times.ts'
import { Budget, defaultBlocksPerDay } from './iot-hub-budget.ts'
import { HubControl } from './iot-hub-control.ts'
import { type SeriesFilter, seriesGlobs } from './series-filter.ts'
import type { Outgoing, Uplink, UplinkContext, UplinkHandlers } from './uplink.ts'

const minute = 60_000
/** How often an agent tells its status over a hub unless it is told. */
export const defaultStatusEveryMs = 5 * minute

const settings = iotHubSettings.extend({
  /** Tier and units of the hub: what a day's quota is, and how large a metered block. */
  tier: z.enum(Object.keys(hubTiers) as [keyof typeof hubTiers]).default('S1'),
  units: z.int().min(1).max(200).default(1),
  /** Blocks that this agent takes a day; 80 % of the tier unless set, so set it where a hub has several agents. */
  maxBlocksPerDay: z.int().positive().optional(),
  /** Series whose live readings and provisional summaries are sent too: `site/device/metric`, with `*`. */
  live: seriesGlobs.default([]),
  /** How long what closes is gathered when the day's blocks run short. */
  packFor: duration(5_000, 10 * minute, 'a duration from 5s to 10m').default(2 * minute),
  /** How often the status is sent as a message. */
  statusEvery: duration(10_000, 60 * minute, 'a duration from 10s to 1h').default(defaultStatusEveryMs),
})
type Settings = z.output<typeof settings>

/** Messages to an Azure IoT Hub: what it acknowledged, its retention keeps for the ingest. */
export const iotHubUplink = definePlugin({
  type: 'iot-hub',
  settings,
  async create(options: Settings, context: UplinkContext): Promise<Uplink> {
    const { tier, units, maxBlocksPerDay = defaultBlocksPerDay(tier, units) } = options
    const { clock, state } = context
    const budget = new Budget({ maxBlocksPerDay, blockBytes: hubTiers[tier].blockBytes, clock, state })
    await budget.restore()
    return new IotHubUplink(options, context, budget)
  },
})

const cacheKey = 'assigned-hub'
const assigned = z.object({ host: z.string(), deviceId: z.string() })
const lookEveryMs = 1_000

/** Bytes as the hub meters them: body, system properties, names and values of application properties. */
function meteredBytes({ body, messageId = '', contentType = '', contentEncoding = '', properties = {} }: HubMessage) {
  const texts = [messageId, contentType, contentEncoding, ...Object.entries(properties).flat()]
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), body.byteLength)
}

class IotHubUplink implements Uplink {
  readonly custody = 'acknowledged'
  readonly statusEveryMs: number
  readonly #settings: Settings
  readonly #context: UplinkContext
  readonly #budget: Budget
  readonly #control: HubControl
  readonly #link: IotHubLink
  readonly #stopping = new AbortController()
  /** Messages of the outbox on the wire; true while their admission pays for the sending. */
  readonly #kept = new WeakMap<HubMessage, boolean>()

  constructor(options: Settings, context: UplinkContext, budget: Budget) {
    this.#settings = options
    this.#context = context
    this.#budget = budget
    this.statusEveryMs = options.statusEvery
    this.#control = new HubControl({ ...context, budget, live: options.live })
    this.#link = createIotHubLink(linkSettings(options), {
      log: context.log,
      handlers: this.#control.handlers,
      checkIdentity: ({ deviceId }) => checkDeviceId(deviceId, context.agent),
      cache: hubCache(context),
      onSend: (message) => this.#onSend(message),
    })
  }

  get connected(): boolean {
    return this.#link.connected
  }

  get lastError(): string | null {
    return this.#link.lastError
  }

  async start({ onConnect, remote }: UplinkHandlers): Promise<void> {
    this.#link.onConnect(onConnect)
    await this.#control.start(remote, (patch) => this.#link.report(patch))
    await this.#link.start()
  }

  async send(message: Outgoing, withdrawn?: AbortSignal): Promise<void> {
    const outgoing = this.#messageOf(message)
    if (message.seq !== undefined) {
      await this.#room(outgoing, withdrawn)
      this.#kept.set(outgoing, true)
    }
    await this.#link.send(outgoing, withdrawn)
  }

  /** What the next second replaces costs as much as anything else, so it is sent only where it was asked for. */
  offer(message: Outgoing): void {
    if (!this.#link.connected || this.#budget.stage !== 'free') return
    // One that waits for its turn would be old when it comes.
    if (this.#link.outstanding > 0) return
    this.#link.send(this.#messageOf(message)).catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new UnreachableError('the uplink was stopped'))
    this.#control.stop()
    await this.#link.stop()
  }

  wants(): SeriesFilter {
    return this.#budget.stage === 'free' ? this.#control.wanted() : 'none'
  }

  gatherMs(): number {
    const { stage } = this.#budget
    return stage === 'packing' || stage === 'held' ? this.#settings.packFor : 0
  }

  detail(): Record<string, unknown> {
    const { identity, state } = this.#link
    return {
      type: 'iot-hub',
      hub: identity?.host ?? null,
      device: identity?.deviceId ?? null,
      link: state,
      budget: this.#budget.status(),
      ...this.#control.detail(),
    }
  }

  #messageOf({ site, kind, seq, body, spool = this.#context.spool }: Outgoing): HubMessage {
    const { clock } = this.#context
    return {
      body,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      // A slash is not among the characters that the hub takes.
      ...(seq === undefined ? {} : { messageId: `${spool}:${site}:${seq}` }),
      properties: { kind, site, 'iothub-creation-time-utc': new Date(clock.now()).toISOString() },
    }
  }

  #onSend(message: HubMessage): void {
    const paid = this.#kept.get(message)
    if (paid) this.#kept.set(message, false)
    else this.#budget.count(meteredBytes(message), paid !== undefined)
  }

  async #room(message: HubMessage, withdrawn?: AbortSignal): Promise<void> {
    const bytes = meteredBytes(message)
    const signals = [this.#stopping.signal, ...(withdrawn ? [withdrawn] : [])]
    const signal = AbortSignal.any(signals)
    while (!(await this.#budget.admits(bytes))) await pause(lookEveryMs, signal)
    signal.throwIfAborted()
  }
}

/** The SDK's settings alone. */
function linkSettings({
  tier: _t,
  units: _u,
  live: _l,
  packFor: _p,
  statusEvery: _s,
  ...rest
}: Settings): IotHubSettings {
  const { maxBlocksPerDay: _m, ...link } = rest
  return link
}

/** Who reads from the hub takes the device's name for the agent's, and no word of the agent. */
function checkDeviceId(deviceId: string, agent: string): void {
  if (deviceId === agent) return
  const problem = { path: 'agent', found: agent, expected: `${deviceId}, as this device is called at the hub` }
  throw new UsageError('agent and device of the IoT Hub must have one name', [problem])
}

function hubCache({ state, log }: { state: UplinkContext['state']; log: Logger }): IotHubLinkContext['cache'] {
  return {
    async load() {
      const bytes = await state.load(cacheKey)
      if (!bytes) return undefined
      const read = assigned.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
      if (!read.success) log.warn({}, 'the hub that was assigned is not readable: asking again')
      return read.data
    },
    save: (hub) => state.save(cacheKey, Buffer.from(JSON.stringify(hub))),
  }
}
