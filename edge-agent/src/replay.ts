import { futureMs } from '@millrace/contracts'
import { type Clock, type Delivery, type Message, pause } from '@millrace/pipeline'
import type { KeptLetter, Replayed } from '@millrace/spool'
import type { AgentConfig } from './config.ts'
import type { Pipeline } from './pipeline.ts'
import { type Tried, type TriedReading, tryMessage } from './try-message.ts'

export interface ReplayParts {
  pipeline: Pipeline
  config: AgentConfig
  clock: Clock
}

const refused = (message: string): Replayed => ({ replayed: false, message })

/** Letters that replaying must not get round. */
const never: Record<string, string> = {
  identity: 'it came over a connection that may not speak for its device',
  'direct-device': 'it came from a device that is not of this agent',
}

const patienceMs = 30_000

/**
 * Takes a dead letter as if it arrived now: through the decoders, into the journal and out of the letters in one
 * transaction, so that a kill leaves it either there or here. Left as it is where its cause is not mended.
 */
export async function replayLetter(letter: KeptLetter, parts: ReplayParts): Promise<Replayed> {
  const message = never[letter.reason] === undefined ? messageOf(letter) : refused(never[letter.reason]!)
  if ('replayed' in message) return message
  const tried = await tryMessage(message, parts.config)
  const problem = problemOf(letter, tried, parts)
  if (problem !== undefined) return refused(problem)
  await commit(message, letter, parts)
  return { replayed: true, message: outcomeText(tried) }
}

/** What arrived; readings that were refused after decoding become a message of the contract's JSON again. */
function messageOf({ source, site, device, body, count }: KeptLetter): Message | Replayed {
  if (source !== '') return { topic: source, body, qos: 1 }
  const readings = readingsIn(body)
  if (readings.length < count)
    return refused(
      `it stands for ${count} readings, and ${readings.length} of them were kept, so it cannot be replayed`,
    )
  const objects = readings.map(({ metric, value, ...envelope }) => ({ ...envelope, readings: { [metric]: value } }))
  return { topic: `telemetry/${site}/${device}`, body: Buffer.from(JSON.stringify(objects)), qos: 1 }
}

function readingsIn(body: Uint8Array): { metric: string; value: number; ts: number }[] {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return []
  }
}

function problemOf({ reason }: KeptLetter, { readings, setAside }: Tried, parts: ReplayParts): string | undefined {
  const again = setAside.find((one) => one.reason === reason) ?? (readings.length === 0 ? setAside[0] : undefined)
  if (again) return `its cause is not mended: ${again.reason}, ${again.why}`
  if (readings.length === 0) return 'no decoder of the config takes it'
  return readings.map((reading) => refusedByTime(reading, reason, parts)).find((text) => text !== undefined)
}

/** What the windows would refuse at once. */
function refusedByTime({ site, device, time }: TriedReading, reason: string, { pipeline }: ReplayParts) {
  if (time === null) return undefined
  const { rollup, names, time: agentTime, doctor } = pipeline
  const ts = Date.parse(time)
  const now = agentTime.now()
  if (now !== undefined && ts > now + futureMs) return `its cause is not mended: ${time} is still in the future`
  const known = [...rollup.keeper.devices()].find((view) => {
    return names.siteOf(view.device) === site && names.deviceName(view.device) === device
  })
  if (!known) return undefined
  if (reason === 'skewed-clock' && doctor.policy.policyOf(known.device) === 'set-aside')
    return 'its cause is not mended: the readings of its site are still set aside where a clock is off'
  const end = (Math.floor(ts / known.lengthMs) + 1) * known.lengthMs
  return end <= known.floorMs ? `${time} is below the floor of its device: it would be too late` : undefined
}

async function commit(message: Message, { reason, nth }: KeptLetter, { pipeline, clock }: ReplayParts): Promise<void> {
  const committed = new Promise<void>((ack, failed) => {
    const delivery: Delivery & { letter: { reason: string; nth: number } } = {
      messages: [message],
      arrivals: Float64Array.of(clock.monotonic()),
      letter: { reason, nth },
      ack,
      refuse: (why) => failed(new Error(why)),
    }
    pipeline.commits.receive(delivery)
  })
  const late = pause(patienceMs).then(() => {
    throw new Error('the agent did not commit it in time; it may still do so')
  })
  await Promise.race([committed, late])
}

function outcomeText({ readings, setAside }: Tried): string {
  const again = setAside.map(({ reason, count }) => `${count} set aside as ${reason}`)
  const { length } = readings
  return [`${length} ${length === 1 ? 'reading' : 'readings'} accepted anew`, ...again].join(', ')
}
