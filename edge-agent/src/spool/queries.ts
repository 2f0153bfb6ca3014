import { outbox, type Spool, type SqlValue } from '@millrace/spool'
import type { CompletenessRecord, Recovered, SetLoader, Share, WindowRecord } from '../checkpoint.ts'
import type { NameKind, NameRow } from '../names.ts'

/** Keys per look-up: bounds the text of one query and the rows in memory. */
const chunk = 2_000

async function readChunks<Key>(keys: readonly Key[], read: (keysJson: string) => Promise<SqlValue[][]>) {
  const rows: SqlValue[][] = []
  for (let at = 0; at < keys.length; at += chunk) {
    rows.push(...(await read(JSON.stringify(keys.slice(at, at + chunk)))))
  }
  return rows
}

function windowRecord(row: SqlValue[]): WindowRecord {
  const [device, start, series, lengthMs, rev, count, amended, duplicate, unstamped, message] = row
    .slice(0, 10)
    .map(Number)
  const set = {
    rev: rev!,
    count: count!,
    amended: amended!,
    duplicate: duplicate!,
    unstamped: unstamped!,
    bytes: row[10] as Uint8Array,
  }
  const shares = typeof row[11] === 'string' ? { shares: JSON.parse(row[11]) as Share[] } : {}
  return { device: device!, start: start!, series: series!, lengthMs: lengthMs!, message: message!, set, ...shares }
}

function completenessRecord(row: SqlValue[]): CompletenessRecord {
  const [device, start, lengthMs, rev, message] = row.slice(0, -1).map(Number)
  const set = { rev: rev!, bytes: row[5] as Uint8Array }
  return { device: device!, start: start!, lengthMs: lengthMs!, message: message!, set }
}

export function setLoader(spool: Spool): SetLoader {
  return {
    async windows(closings) {
      const keys = closings.map(({ device, start, series }) => [device, start, series])
      const sql = `SELECT s.device, s.start, s.series, s.length, s.rev, s.count, s.amended, s.duplicate, s.unstamped, s.message, s.bytes, h.shares
        FROM json_each(?) AS k JOIN sets AS s
        ON s.device = k.value ->> 0 AND s.start = k.value ->> 1 AND s.series = k.value ->> 2
        LEFT JOIN set_shares AS h ON h.device = s.device AND h.start = s.start AND h.series = s.series`
      return (await readChunks(keys, (json) => spool.read(sql, [json]))).map(windowRecord)
    },
    async completeness(closings) {
      const keys = closings.map(({ device, start }) => [device, start])
      const sql = `SELECT s.device, s.start, s.length, s.rev, s.message, s.bytes
        FROM json_each(?) AS k JOIN completeness_sets AS s ON s.device = k.value ->> 0 AND s.start = k.value ->> 1`
      return (await readChunks(keys, (json) => spool.read(sql, [json]))).map(completenessRecord)
    },
  }
}

function nameRow([kind, id, parent, name]: SqlValue[]): NameRow {
  return { kind: kind as NameKind, id: Number(id), parent: String(parent), name: String(name) }
}

export async function readRecovered(spool: Spool): Promise<Recovered> {
  const bytesOf = (value: SqlValue | undefined) => value as Uint8Array
  const windows = await spool.read('SELECT series, start, bytes FROM open_windows ORDER BY series, start')
  const completeness = await spool.read('SELECT device, start, bytes FROM open_completeness ORDER BY device, start')
  const devices = await spool.read('SELECT device, bytes FROM devices ORDER BY device')
  const unstamped = await spool.read('SELECT series, bytes FROM unstamped ORDER BY series')
  const keeper = await spool.read('SELECT bytes FROM keeper')
  const reports = await spool.read('SELECT device, sent, accepted, open FROM reports')
  const lastSeqs = await outbox.lastSeqs(spool)
  const names = await spool.read('SELECT kind, id, parent, name FROM names ORDER BY kind, id')
  const units = await spool.read(`SELECT 'unit', series, kind, unit FROM units ORDER BY series`)
  return {
    names: [...names, ...units].map(nameRow),
    saved: {
      windows: windows.map(([series, start, bytes]) => {
        return { series: Number(series), start: Number(start), bytes: bytesOf(bytes) }
      }),
      completeness: completeness.map(([device, start, bytes]) => {
        return { device: Number(device), start: Number(start), bytes: bytesOf(bytes) }
      }),
      devices: devices.map(([device, bytes]) => ({ device: Number(device), bytes: bytesOf(bytes) })),
      unstamped: unstamped.map(([series, bytes]) => ({ series: Number(series), bytes: bytesOf(bytes) })),
      global: keeper[0] && bytesOf(keeper[0][0]),
    },
    reports: reports.map((row) => {
      const [device, sent, accepted, open] = row.map(Number)
      return { device: device!, sent: sent!, accepted: accepted!, open: open! }
    }),
    numbers: new Map([...lastSeqs].map(([site, seq]) => [site, seq + 1])),
  }
}

/** Readings that the devices lose with messages that leave the outbox unsent. */
export async function lossesOf(spool: Spool, messages: readonly { site: string; seq: number }[]) {
  const keys = JSON.stringify(messages.map(({ site, seq }) => [site, seq]))
  const sql = `SELECT r.device, sum(r.readings) FROM json_each(?) AS k
    JOIN message_readings AS r ON r.site = k.value ->> 0 AND r.seq = k.value ->> 1
    GROUP BY r.device HAVING sum(r.readings) > 0 ORDER BY r.device`
  const rows = await spool.read(sql, [keys])
  return rows.map(([device, readings]) => ({ device: Number(device), readings: Number(readings) }))
}
