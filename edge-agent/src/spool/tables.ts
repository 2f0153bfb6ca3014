import type { SqlValue, Statement } from '@millrace/spool'
import type { CheckpointRecord, GivenUp } from '../checkpoint.ts'
import type { NameRow } from '../names.ts'

/**
 * Raise `version` with every change that an older program would read wrongly: it refuses the spool then, instead of
 * taking it for unreadable and beginning anew. 2: entries of the journal say what was taken in of each device.
 */
export const spoolVersions = { version: 2, oldestVersion: 1 }

/**
 * `sets` and `completeness_sets`: closed windows that may still be amended. `open_*`, `devices`, `unstamped` and the
 * value `keeper`: the windows in memory as of the last checkpoint. Triggers keep the bytes of all sets in `set_bytes`.
 */
export const agentSchema: readonly string[] = [
  'CREATE TABLE names (kind TEXT NOT NULL, id INTEGER NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID',
  `CREATE TABLE sets (device INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL, length INTEGER NOT NULL,
    rev INTEGER NOT NULL, count INTEGER NOT NULL, amended INTEGER NOT NULL, duplicate INTEGER NOT NULL,
    unstamped INTEGER NOT NULL, message INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (device, start, series)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE completeness_sets (device INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    rev INTEGER NOT NULL, message INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (device, start)) STRICT, WITHOUT ROWID`,
  'CREATE TABLE set_bytes (id INTEGER PRIMARY KEY CHECK (id = 0), bytes INTEGER NOT NULL) STRICT',
  'INSERT INTO set_bytes VALUES (0, 0)',
  ...['sets', 'completeness_sets'].flatMap((table) => [
    `CREATE TRIGGER ${table}_added AFTER INSERT ON ${table} BEGIN UPDATE set_bytes SET bytes = bytes + length(new.bytes) + 64; END`,
    `CREATE TRIGGER ${table}_amended AFTER UPDATE ON ${table} BEGIN UPDATE set_bytes SET bytes = bytes + length(new.bytes) - length(old.bytes); END`,
    `CREATE TRIGGER ${table}_dropped AFTER DELETE ON ${table} BEGIN UPDATE set_bytes SET bytes = bytes - length(old.bytes) - 64; END`,
  ]),
  'CREATE TABLE open_windows (series INTEGER NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (series, start)) STRICT, WITHOUT ROWID',
  'CREATE TABLE open_completeness (device INTEGER NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (device, start)) STRICT, WITHOUT ROWID',
  'CREATE TABLE devices (device INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT',
  'CREATE TABLE unstamped (series INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT',
  'CREATE TABLE keeper (id INTEGER PRIMARY KEY CHECK (id = 0), bytes BLOB NOT NULL) STRICT',
  'CREATE TABLE reports (device INTEGER PRIMARY KEY, sent INTEGER NOT NULL, accepted INTEGER NOT NULL, open INTEGER NOT NULL) STRICT',
  'CREATE TABLE dropped (site TEXT PRIMARY KEY, messages INTEGER NOT NULL, readings INTEGER NOT NULL) STRICT, WITHOUT ROWID',
]

/**
 * What a spool of the same version made by an earlier release may lack. `message_readings`: the readings that each
 * waiting message adds to what was sent of a device, for the case that it must be given up. `set_shares`: for the same
 * case, which message brought how many readings of an amended set.
 */
export const laterTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS message_readings (site TEXT NOT NULL, seq INTEGER NOT NULL, device INTEGER NOT NULL,
    readings INTEGER NOT NULL, PRIMARY KEY (site, seq, device)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS set_shares (device INTEGER NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL,
    shares TEXT NOT NULL, PRIMARY KEY (device, start, series)) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER IF NOT EXISTS set_shares_gone AFTER DELETE ON sets BEGIN
    DELETE FROM set_shares WHERE device = old.device AND start = old.start AND series = old.series; END`,
  // Beside the names, so that an earlier release still reads those.
  'CREATE TABLE IF NOT EXISTS units (series INTEGER PRIMARY KEY, kind TEXT NOT NULL, unit TEXT NOT NULL) STRICT',
  `CREATE TRIGGER IF NOT EXISTS message_readings_gone AFTER DELETE ON outbox BEGIN
    DELETE FROM message_readings WHERE site = old.site AND seq = old.seq; END`,
]

function upsert(table: string, keys: readonly string[], values: readonly string[]): string {
  const columns = [...keys, ...values]
  const updates = values.map((column) => `${column} = excluded.${column}`).join(', ')
  const marks = columns.map(() => '?').join(', ')
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks}) ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${updates}`
}

const sql = {
  putUnit: upsert('units', ['series'], ['kind', 'unit']),
  addName: 'INSERT INTO names (kind, id, parent, name) VALUES (?, ?, ?, ?)',
  putSet: upsert(
    'sets',
    ['device', 'start', 'series'],
    ['length', 'rev', 'count', 'amended', 'duplicate', 'unstamped', 'message', 'bytes'],
  ),
  putShares: upsert('set_shares', ['device', 'start', 'series'], ['shares']),
  putCompleteness: upsert('completeness_sets', ['device', 'start'], ['length', 'rev', 'message', 'bytes']),
  dropSets: 'DELETE FROM sets WHERE device = ? AND start < ? AND start + length <= ?',
  dropCompleteness: 'DELETE FROM completeness_sets WHERE device = ? AND start < ? AND start + length <= ?',
  putOpen: upsert('open_windows', ['series', 'start'], ['bytes']),
  dropOpen: 'DELETE FROM open_windows WHERE series = ? AND start = ?',
  putOpenCompleteness: upsert('open_completeness', ['device', 'start'], ['bytes']),
  dropOpenCompleteness: 'DELETE FROM open_completeness WHERE device = ? AND start = ?',
  putDevice: upsert('devices', ['device'], ['bytes']),
  putUnstamped: upsert('unstamped', ['series'], ['bytes']),
  dropUnstamped: 'DELETE FROM unstamped WHERE series = ?',
  putKeeper: upsert('keeper', ['id'], ['bytes']),
  putReport: upsert('reports', ['device'], ['sent', 'accepted', 'open']),
  addReadings: 'INSERT INTO message_readings VALUES (?, ?, ?, ?)',
  addDropped: `INSERT INTO dropped (site, messages, readings) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, readings = readings + excluded.readings`,
}

function statement(text: string, rows: readonly (readonly SqlValue[])[]): Statement[] {
  return rows.length === 0 ? [] : [{ sql: text, rows }]
}

export function nameStatements(names: readonly NameRow[]): Statement[] {
  const units = names.filter(({ kind }) => kind === 'unit')
  const others = names.filter(({ kind }) => kind !== 'unit')
  return [
    ...statement(
      sql.addName,
      others.map(({ kind, id, parent, name }) => [kind, id, parent, name]),
    ),
    ...statement(
      sql.putUnit,
      units.map(({ id, parent, name }) => [id, parent, name]),
    ),
  ]
}

function setStatements({ windows, completeness, floors }: CheckpointRecord): Statement[] {
  const below = floors.map(({ device, setsFromMs }) => [device, setsFromMs, setsFromMs])
  return [
    ...statement(
      sql.putSet,
      windows.map(({ device, start, series, lengthMs, set, message }) => {
        const { rev, count, amended, duplicate, unstamped, bytes } = set
        return [device, start, series, lengthMs, rev, count, amended, duplicate, unstamped, message, bytes]
      }),
    ),
    ...statement(
      sql.putShares,
      windows.flatMap(({ device, start, series, set, shares }) => {
        return shares && set.rev > 0 ? [[device, start, series, JSON.stringify(shares)]] : []
      }),
    ),
    ...statement(
      sql.putCompleteness,
      completeness.map(({ device, start, lengthMs, set, message }) => {
        return [device, start, lengthMs, set.rev, message, set.bytes]
      }),
    ),
    ...statement(sql.dropSets, below),
    ...statement(sql.dropCompleteness, below),
  ]
}

function keeperStatements({ changes }: CheckpointRecord): Statement[] {
  const { windows, completeness, devices, unstamped, global } = changes
  return [
    ...statement(
      sql.dropOpen,
      changes.deletedWindows.map(({ series, start }) => [series, start]),
    ),
    ...statement(
      sql.putOpen,
      windows.map(({ series, start, bytes }) => [series, start, bytes]),
    ),
    ...statement(
      sql.dropOpenCompleteness,
      changes.deletedCompleteness.map(({ device, start }) => [device, start]),
    ),
    ...statement(
      sql.putOpenCompleteness,
      completeness.map(({ device, start, bytes }) => [device, start, bytes]),
    ),
    ...statement(
      sql.putDevice,
      devices.map(({ device, bytes }) => [device, bytes]),
    ),
    ...statement(
      sql.dropUnstamped,
      changes.deletedUnstamped.map((series) => [series]),
    ),
    ...statement(
      sql.putUnstamped,
      unstamped.map(({ series, bytes }) => [series, bytes]),
    ),
    ...statement(sql.putKeeper, global === undefined ? [] : [[0, global]]),
  ]
}

/** All of a checkpoint but the journal, the outbox and the dead letters. */
export function checkpointStatements(record: CheckpointRecord): Statement[] {
  return [
    ...setStatements(record),
    ...keeperStatements(record),
    ...statement(
      sql.addReadings,
      record.messages.flatMap(({ site, seq, added }) => {
        return added.map(({ device, readings }) => [site, seq, device, readings])
      }),
    ),
    ...statement(
      sql.putReport,
      record.reports.map(({ device, sent, accepted, open }) => [device, sent, accepted, open]),
    ),
  ]
}

/** Counts of messages given up unsent (`drop-oldest`). */
export function droppedStatements(gaveUp: readonly GivenUp[]): Statement[] {
  return statement(
    sql.addDropped,
    gaveUp.map(({ site, readings }) => [site, 1, readings]),
  )
}
