import type { Alert, AlertState, Severity } from '@millrace/contracts'
import { cursors, type Spool, type SqlValue } from '@millrace/spool'
import type { AlertLog, ChangedAlerts } from '../alert-log.ts'

export interface AlertQuery {
  state?: AlertState | undefined
  site?: string | undefined
  device?: string | undefined
  rule?: string | undefined
  severity?: Severity | undefined
  /** Episodes that overlap [from, to), epoch ms. */
  from: number
  to: number
  limit: number
}

const matches = `(?1 IS NULL OR state = ?1) AND (?2 IS NULL OR site = ?2) AND (?3 IS NULL OR device = ?3)
  AND (?4 IS NULL OR rule = ?4) AND (?5 IS NULL OR severity = ?5)`

/** Active ones always, and of the others the newest of the span. */
const selectAlerts = `SELECT body FROM (
    SELECT start, n, body FROM alerts WHERE state = 'active' AND ${matches}
    UNION ALL SELECT * FROM (SELECT start, n, body FROM alerts WHERE state <> 'active' AND ${matches}
      AND start < ?7 AND coalesce(json_extract(body, '$.end'), start) >= ?6 ORDER BY start DESC, n DESC LIMIT ?8))
  ORDER BY start DESC, n DESC`

const toAlert = ([body]: SqlValue[]) => JSON.parse(String(body)) as Alert

/** The alerts of the spool: asked by people, and read on by stores. */
export class SpoolAlerts implements AlertLog {
  private readonly spool: Spool
  private readonly waiting = new Set<() => void>()
  generation = 0

  constructor(spool: Spool) {
    this.spool = spool
  }

  async list({ state, site, device, rule, severity, from, to, limit }: AlertQuery): Promise<Alert[]> {
    const filters = [state, site, device, rule, severity].map((value) => value ?? null)
    return (await this.spool.read(selectAlerts, [...filters, from, to, limit])).map(toAlert)
  }

  async find(id: string): Promise<Alert | undefined> {
    const [row] = await this.spool.read('SELECT body FROM alerts WHERE id = ?', [id])
    return row && toAlert(row)
  }

  async active(): Promise<Alert[]> {
    return (await this.spool.read("SELECT body FROM alerts WHERE state = 'active'")).map(toAlert)
  }

  async cursor(reader: string): Promise<number> {
    return (await cursors.load(this.spool, cursorName(reader))) ?? 0
  }

  async head(): Promise<number> {
    const [row] = await this.spool.read("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'")
    return Number(row?.[0] ?? 0)
  }

  async read(after: number, limit: number): Promise<ChangedAlerts> {
    const rows = await this.spool.read('SELECT n, body FROM alerts WHERE n > ? ORDER BY n LIMIT ?', [after, limit])
    const upTo = Number(rows.at(-1)?.[0] ?? after)
    return { upTo, alerts: rows.map(([, body]) => JSON.parse(String(body)) as Alert) }
  }

  async settle(reader: string, upTo: number): Promise<void> {
    await this.spool.write(cursors.save(cursorName(reader), upTo), { reserve: true })
  }

  async behind(after: number): Promise<number> {
    const [row] = await this.spool.read('SELECT count(*) FROM alerts WHERE n > ?', [after])
    return Number(row![0])
  }

  /** Wakes who waits for `changed`. */
  wake(): void {
    this.generation++
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
  }

  async changed(seen: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.generation > seen) return
    await new Promise<void>((resolve) => {
      this.waiting.add(resolve)
      signal.addEventListener('abort', () => {
        this.waiting.delete(resolve)
        resolve()
      })
    })
  }
}

const cursorName = (reader: string) => `${reader}/alerts`
