import { type Acknowledgement, type Alert, alertSchema, type Silence } from '@millrace/contracts'
import type { Spool, Statement } from '@millrace/spool'
import type { ChannelState } from './compose.ts'
import type { Entry, Track } from './entry.ts'
import type { PlannerChanges } from './planner.ts'

/** The notifier's tables, in the spool of the app. */
export const notifyTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS notify_inbox (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, rev INTEGER NOT NULL, alert TEXT NOT NULL, UNIQUE (id, rev)) STRICT',
  'CREATE TABLE IF NOT EXISTS notify_alerts (id TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS notify_channels (channel TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS notify_silences (id TEXT PRIMARY KEY, silence TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS notify_acknowledgements (alert TEXT PRIMARY KEY, at_ms REAL NOT NULL, acknowledgement TEXT NOT NULL) STRICT, WITHOUT ROWID',
]

const upsert = (table: string, key: string, value: string) =>
  `INSERT INTO ${table} (${key}, ${value}) VALUES (?, ?) ON CONFLICT DO UPDATE SET ${value} = excluded.${value}`

/** What an app writes in its own transaction. */
export function deposit(alerts: readonly Alert[]): Statement[] {
  if (alerts.length === 0) return []
  const rows = alerts.map((alert) => [alert.id, alert.rev, JSON.stringify(alert)])
  return [{ sql: 'INSERT OR IGNORE INTO notify_inbox (id, rev, alert) VALUES (?, ?, ?)', rows }]
}

/** Removes what the planner has taken, with what it made of it. */
export function withdraw(alerts: readonly Alert[]): Statement[] {
  if (alerts.length === 0) return []
  return [{ sql: 'DELETE FROM notify_inbox WHERE id = ? AND rev = ?', rows: alerts.map(({ id, rev }) => [id, rev]) }]
}

export async function deposited(spool: Spool): Promise<Alert[]> {
  const rows = await spool.read('SELECT alert FROM notify_inbox ORDER BY n')
  return rows.map(([alert]) => alertSchema.parse(JSON.parse(alert as string)))
}

interface SavedEntry extends Omit<Entry, 'tracks'> {
  tracks: [string, Track][]
}

export function saveChanges({ entries, channels, acknowledged }: PlannerChanges): Statement[] {
  const kept = [...entries].flatMap(([id, entry]) =>
    entry ? [[id, JSON.stringify({ ...entry, tracks: [...entry.tracks] } satisfies SavedEntry)]] : [],
  )
  const forgotten = [...entries].flatMap(([id, entry]) => (entry ? [] : [[id]]))
  const states = [...channels].map(([name, state]) => [name, JSON.stringify(state)])
  return [
    { sql: upsert('notify_alerts', 'id', 'entry'), rows: kept },
    { sql: 'DELETE FROM notify_alerts WHERE id = ?', rows: forgotten },
    { sql: upsert('notify_channels', 'channel', 'state'), rows: states },
    ...[...acknowledged].flatMap(([id, acknowledgement]) => saveAcknowledgement(id, acknowledgement)),
  ].filter(({ rows }) => rows.length > 0)
}

/** In order of their last change. */
export async function savedEntries(spool: Spool): Promise<Entry[]> {
  const rows = await spool.read('SELECT entry FROM notify_alerts')
  const entries = rows.map(([text]): Entry => {
    const saved = JSON.parse(text as string) as SavedEntry
    return { ...saved, tracks: new Map(saved.tracks) }
  })
  return entries.sort((a, b) => a.seenMs - b.seenMs)
}

export async function savedChannels(spool: Spool): Promise<Map<string, ChannelState>> {
  const rows = await spool.read('SELECT channel, state FROM notify_channels')
  return new Map(rows.map(([name, state]) => [name as string, JSON.parse(state as string) as ChannelState]))
}

export function dropChannel(name: string): Statement[] {
  return [{ sql: 'DELETE FROM notify_channels WHERE channel = ?', rows: [[name]] }]
}

export function saveSilence(silence: Silence): Statement[] {
  return [{ sql: upsert('notify_silences', 'id', 'silence'), rows: [[silence.id, JSON.stringify(silence)]] }]
}

export function dropSilences(ids: readonly string[]): Statement[] {
  if (ids.length === 0) return []
  return [{ sql: 'DELETE FROM notify_silences WHERE id = ?', rows: ids.map((id) => [id]) }]
}

export async function savedSilences(spool: Spool): Promise<Silence[]> {
  const rows = await spool.read('SELECT silence FROM notify_silences ORDER BY id')
  return rows.map(([silence]) => JSON.parse(silence as string) as Silence)
}

export function saveAcknowledgement(alertId: string, acknowledgement: Acknowledgement | null): Statement[] {
  if (acknowledgement === null) {
    return [{ sql: 'DELETE FROM notify_acknowledgements WHERE alert = ?', rows: [[alertId]] }]
  }
  const sql = `INSERT INTO notify_acknowledgements VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, acknowledgement = excluded.acknowledgement`
  return [{ sql, rows: [[alertId, acknowledgement.atMs, JSON.stringify(acknowledgement)]] }]
}

/** Those younger than `sinceMs`; the others are dropped. */
export async function savedAcknowledgements(spool: Spool, sinceMs: number): Promise<Map<string, Acknowledgement>> {
  await spool.write([{ sql: 'DELETE FROM notify_acknowledgements WHERE at_ms < ?', rows: [[sinceMs]] }], {
    reserve: true,
  })
  const rows = await spool.read('SELECT alert, acknowledgement FROM notify_acknowledgements')
  return new Map(rows.map(([id, text]) => [id as string, JSON.parse(text as string) as Acknowledgement]))
}
