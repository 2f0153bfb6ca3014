import type { Facts } from './recount.ts'

/** A row as a store holds it. */
export interface Row extends Facts {
  device: string
  metric: string
  start: number
  lengthMs: number
  amended: number
  rev: number
}

export interface StoreReader {
  name: string
  /** Rows of the site; throws where the store cannot be asked just now. */
  rows(): Promise<Row[]>
}

/** The product's own accounts, in which every term is counted where it happens. */
export interface Accounts {
  accepted: number
  /** accepted - (closed + open + duplicate + too late + invalid + dropped), added here anew. */
  unaccounted: number
  /** Readings that the agents say they sent, against those in rows and refused; and messages that are not there. */
  mismatch: number
  missingUpstream: number
  tooLate: number
  invalid: number
  dropped: number
  open: number
}

const timeoutMs = 30_000
const always = { from: String(Date.UTC(2000, 0, 1)), to: String(Date.UTC(2099, 0, 1)) }

async function json(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return await response.json()
}

interface Named {
  site: string
  device: string
  metric: string
}

/** A store behind the HTTP of an ingest. */
export function behindIngest(url: string, site: string, store: string): StoreReader {
  return {
    name: store,
    async rows() {
      const series = (await json(`${url}/api/series?store=${store}`)) as Named[]
      const rows: Row[] = []
      for (const one of series.filter((named) => named.site === site)) {
        const query = new URLSearchParams({ ...one, ...always, step: '1m', store })
        for (const name of ['unit', 'lastTs', 'lastValue']) query.delete(name)
        const answer = (await json(`${url}/api/summaries?${query}`)) as {
          summaries: (Row & { provisional: boolean })[]
        }
        for (const { provisional, ...row } of answer.summaries) {
          if (!provisional) rows.push({ ...row, device: one.device, metric: one.metric })
        }
      }
      return rows
    },
  }
}

interface InfluxAnswer {
  results: {
    error?: string
    series?: { tags: { device: string; metric: string }; columns: string[]; values: (string | number | null)[][] }[]
  }[]
}

/** An InfluxDB 1, asked without the ingest. */
export function influxDirect(url: string, database: string, site: string): StoreReader {
  return {
    name: 'influxdb',
    async rows() {
      const q = `SELECT * FROM "minute"./^summary_/ WHERE "site" = '${site}' GROUP BY "device", "metric"`
      const answer = (await json(
        `${url}/query?${new URLSearchParams({ db: database, epoch: 'ms', q })}`,
      )) as InfluxAnswer
      const [result] = answer.results
      if (!result || result.error) throw new Error(`InfluxDB: ${result?.error ?? 'no result'}`)
      return (result.series ?? []).flatMap(({ tags, columns, values }) => {
        return values.map((value) => {
          const row = Object.fromEntries(columns.map((column, index) => [column, value[index] ?? null]))
          return { increase: null, ...row, ...tags, start: Number(row.time) } as unknown as Row
        })
      })
    },
  }
}

type Terms = Record<'accepted' | 'closed' | 'open' | 'duplicate' | 'tooLate' | 'sent' | 'held' | 'refused', number>
interface DeviceAccount extends Terms {
  site: string
  invalid: Record<string, number>
  dropped: Record<string, number>
}

const all = (reasons: Record<string, number>) => Object.values(reasons).reduce((sum, count) => sum + count, 0)

export async function accountsOf(url: string, site: string): Promise<Accounts> {
  const answer = (await json(`${url}/api/accounts`)) as { devices: DeviceAccount[]; total: { missingUpstream: number } }
  const devices = answer.devices.filter((device) => device.site === site)
  const sum = (of: (device: DeviceAccount) => number) => devices.reduce((total, device) => total + of(device), 0)
  const terms = ({ closed, open, duplicate, tooLate, invalid, dropped }: DeviceAccount) =>
    closed + open + duplicate + tooLate + all(invalid) + all(dropped)
  return {
    accepted: sum(({ accepted }) => accepted),
    unaccounted: sum((device) => Math.abs(device.accepted - terms(device))),
    mismatch: sum(({ sent, held, refused }) => Math.abs(sent - held - refused)),
    missingUpstream: answer.total.missingUpstream,
    tooLate: sum(({ tooLate }) => tooLate),
    invalid: sum(({ invalid }) => all(invalid)),
    dropped: sum(({ dropped }) => all(dropped)),
    open: sum(({ open }) => open),
  }
}
