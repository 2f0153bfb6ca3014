import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../../packages/pipeline/testing/index.ts'
import { randomOf } from '../../oracle/publish.ts'
import type { Scorecard } from '../../oracle/scorecard.ts'
import type { Claim, ClaimOptions } from '../claim.ts'
import type { HttpFault, HttpFaults } from '../http-faults.ts'
import type { Leg } from '../stack.ts'
import type { ProxyMode } from '../tcp-proxy.ts'
import { withStack } from '../with-stack.ts'

const windowMs = 10_000
const legs: readonly Leg[] = ['devices', 'uplink', 'collect', 'influx']

const modes = (random: () => number): ProxyMode[] => [
  { kind: 'delay', ms: 100 + random() * 400 },
  { kind: 'drop', share: 0.05 + random() * 0.2 },
  { kind: 'stall' },
  { kind: 'flap', upMs: 100 + random() * 400, downMs: 100 + random() * 400 },
  { kind: 'deaf', afterMs: random() * 50 },
  { kind: 'slow', bytesPerSecond: 20_000 + random() * 100_000 },
  { kind: 'half-open' },
  { kind: 'cut' },
]

/** What a server of InfluxDB's kind says when it cannot or will not. */
const answers: readonly HttpFault[] = [
  { kind: 'answer', status: 500 },
  { kind: 'lost-answer' },
  { kind: 'answer', status: 503, headers: { 'retry-after': '1' } },
  { kind: 'answer', status: 401 },
  { kind: 'too-large', maxBytes: 2_000 },
  { kind: 'answer', status: 429, headers: { 'retry-after': 'soon' } },
  { kind: 'reset' },
  { kind: 'answer', status: 404, body: '{"error":"database not found"}' },
]

/** Each answer until a write has met it, then a sound server until it has taken one. */
async function everyAnswer(server: HttpFaults, say: (line: string) => void): Promise<void> {
  const met = () => Object.values(server.spoilt).reduce((sum, count) => sum + count, 0)
  for (const answer of answers) {
    const [spoiltBefore, takenBefore] = [met(), server.taken]
    const name = answer.kind === 'answer' ? String(answer.status) : answer.kind
    server.fault(answer)
    const withinMs = answer.kind === 'too-large' ? 4_000 : 120_000
    const meeting = until(() => met() > spoiltBefore, { withinMs, label: `a write to InfluxDB that meets ${name}` })
    // Only a batch of many rows is too large, and there may be none just now.
    await (answer.kind === 'too-large' ? meeting.catch(() => undefined) : meeting)
    server.fault({ kind: 'pass' })
    await until(() => server.taken > takenBefore, { withinMs: 120_000, label: `a write to InfluxDB after ${name}` })
    say(`InfluxDB: ${name}, and well again`)
  }
}

/** Every leg in turn, and the server's answers. */
async function everyMode({ long, seed, signal, say }: ClaimOptions): Promise<Scorecard> {
  const turns = long ? 160 : 8
  const turnMs = long ? 4_000 : 2_500
  const withinMs = 600_000 + turns * turnMs
  const options = { windowMs, influx: true, proxies: legs, httpFaults: true, signal, say, withinMs } as const
  return await withStack(options, async (stack, ending) => {
    const random = randomOf(seed)
    const oracle = stack.startOracle({ speed: 10, rate: 20, devices: 6, begin: Date.now() - 6 * 3_600_000, seed })
    await delay(2_000)
    for (let turn = 0; turn < turns && !ending.aborted; turn++) {
      const told = legs.map((leg, index) => {
        // Each leg meets every mode, and never all legs the same.
        const mode = modes(random)[(turn + index * 3) % 8]!
        stack.proxy(leg).mode(mode)
        return `${leg} ${mode.kind}`
      })
      say(`turn ${turn + 1} of ${turns}: ${told.join(', ')}`)
      await delay(turnMs)
    }
    for (const leg of legs) stack.proxy(leg).mode({ kind: 'pass' })
    for (let round = 0; round < (long ? 5 : 1); round++) await everyAnswer(stack.httpFaults!, say)
    oracle.calm()
    await oracle.finish()
    say('everything is acknowledged; the oracle recounts')
    const resets = legs.map((leg) => [`connections of ${leg} ended`, stack.proxy(leg).reset])
    const others = { ...Object.fromEntries(resets), ...spoiltWrites(stack.httpFaults!.spoilt) }
    const demands = { repeats: 50, late: turns * 5, amended: turns }
    const faults = { kills: [], recoveriesMs: {}, others }
    return await oracle.check({ faults, demands, influx: stack.influxd!.url, patienceSeconds: 100 })
  })
}

/** Connections whose far side is gone and that nobody resets: only a keepalive tells. */
async function nobodyTells({ seed, signal, say }: ClaimOptions): Promise<Scorecard> {
  const proxies = ['devices', 'uplink', 'collect'] as const
  return await withStack({ windowMs, proxies, signal, say, withinMs: 300_000 }, async (stack) => {
    const oracle = stack.startOracle({ speed: 10, rate: 10, devices: 3, begin: Date.now() - 6 * 3_600_000, seed })
    await until(() => oracle.progress.acked > 30, { withinMs: 60_000, label: 'the first readings' })
    for (const leg of proxies) {
      stack.proxy(leg).mode({ kind: 'half-open' })
      stack.proxy(leg).mode({ kind: 'pass' })
    }
    oracle.calm()
    say('every connection is dead, and nobody was told')
    await oracle.finish()
    const faults = { kills: [], recoveriesMs: {} }
    return await oracle.check({ faults, demands: { repeats: 1, acked: 100 }, patienceSeconds: 100 })
  })
}

/** F11, F12, F14, F15, F17 and unknown outcomes. */
export const connections: Claim = {
  name: 'connections',
  says: 'slow, stalled, flapping, half-open and reset connections on every leg, and a store that refuses or answers nobody, lose nothing',
  needs: ['influxd'],
  async run(options) {
    // Also where one fails, the other's processes must be gone before this ends.
    const stopping = new AbortController()
    const both = { ...options, signal: AbortSignal.any([options.signal, stopping.signal]) }
    const runs = [everyMode(both), nobodyTells(both)] as const
    for (const run of runs) run.catch((error) => stopping.abort(error))
    await Promise.allSettled(runs)
    const [every, dead] = await Promise.all(runs)
    return { 'every leg through a proxy, InfluxDB behind answers of its own': every, 'dead connections': dead }
  },
}

const spoiltWrites = (spoilt: Record<string, number>) =>
  Object.fromEntries(Object.entries(spoilt).map(([what, count]) => [`writes to InfluxDB that met ${what}`, count]))
