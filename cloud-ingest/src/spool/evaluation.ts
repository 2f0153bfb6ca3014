import type { RuleHeard } from '@millrace/rules'
import { cursors, type Spool, type Statement, values } from '@millrace/spool'
import type { EvaluationPlace, EvaluationSpool, EvaluationStep } from '../evaluation.ts'
import { saveAlerts } from './alert-statements.ts'

const place = { cursor: 'evaluate', historyUpTo: 'evaluate/history' }
const statePrefix = 'rules/'

const newestOfDevices = `SELECT s.site, a.device, s.agent, max(r.last_ts) FROM accounts AS a
  JOIN sources AS s ON s.id = a.source JOIN series AS r ON r.site = s.site AND r.device = a.device
  GROUP BY a.source, a.device ORDER BY s.at_ms`

export interface SpoolEvaluationOptions {
  spool: Spool
  /** The newest committed place in the log. */
  head(): number
  /** Called after a commit that may have changed alerts. */
  committed(): void
}

/** State and cursor of the rules, beside the alerts they raise. */
export class SpoolEvaluation implements EvaluationSpool {
  private readonly options: SpoolEvaluationOptions

  constructor(options: SpoolEvaluationOptions) {
    this.options = options
  }

  async place(): Promise<EvaluationPlace | undefined> {
    const cursor = await cursors.load(this.options.spool, place.cursor)
    if (cursor === undefined) return undefined
    return { cursor, historyUpTo: (await cursors.load(this.options.spool, place.historyUpTo)) ?? 0 }
  }

  async placeAt(receivedMs: number): Promise<number> {
    let [low, high] = [0, this.options.head()]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const received = await this.receivedAfter(middle)
      if (received === undefined || received >= receivedMs) high = middle
      else low = middle + 1
    }
    return low
  }

  async receivedAfter(n: number): Promise<number | undefined> {
    const [row] = await this.options.spool.read('SELECT at_ms FROM parts WHERE n > ? ORDER BY n LIMIT 1', [n])
    return row === undefined ? undefined : Number(row[0])
  }

  async state(): Promise<Map<string, Uint8Array>> {
    const saved = await values.all(this.options.spool, statePrefix)
    return new Map([...saved].map(([key, bytes]) => [key.slice(statePrefix.length), bytes]))
  }

  /** Forgets everything under these keys and how far the rules had come, so that they begin one horizon ago. */
  async beginAnew(keys: readonly string[]): Promise<void> {
    const forgotten = keys.flatMap((key) => values.remove(statePrefix + key))
    const places = [...cursors.remove(place.cursor), ...cursors.remove(place.historyUpTo)]
    await this.options.spool.write([...forgotten, ...places], { reserve: true })
  }

  async heard(): Promise<RuleHeard[]> {
    const rows = (await this.options.spool.read(newestOfDevices)) as [string, string, string, number][]
    return rows.map(([site, device, agent, ts]) => ({ site, device, agent, ts }))
  }

  async commit({ place: { cursor, historyUpTo }, alerts, state, statements, atMs }: EvaluationStep): Promise<void> {
    const kept = state.flatMap(({ key, bytes }): Statement[] => {
      return bytes === null ? values.remove(statePrefix + key) : values.put(statePrefix + key, bytes)
    })
    const places = [...cursors.save(place.cursor, cursor), ...cursors.save(place.historyUpTo, historyUpTo)]
    await this.options.spool.write([...saveAlerts(alerts, atMs), ...kept, ...statements, ...places], { reserve: true })
    if (alerts.length > 0) this.options.committed()
  }
}
