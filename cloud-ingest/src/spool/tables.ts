import { cursors, deadLetters, values } from '@millrace/spool'
import { alertTables } from './alert-tables.ts'
import { stockTables } from './stock-tables.ts'
import { traceTables } from './traces.ts'

export const application = 'millrace-ingest'
export const version = 1

/** Readings that a part adds to its device's accounts, by which of the two sums. */
const held = (row: string) => `(${row}.count - ${row}.replaced) * (1 - ${row}.refused)`
const refused = (row: string) => `${row}.count * ${row}.refused`
const ofDevice = 'source = new.source AND device = (SELECT device FROM series WHERE id = new.series)'

/**
 * `parts` is also the log that stores read: `n` rises with every change of a part, so a reader that knows the last
 * `n` it took finds each changed part once, at its newest. The sums `held` and `refused` of `accounts` follow the
 * parts by triggers, whoever changes them, and outlive them: parts go 48 h after their last change.
 */
export const tables: readonly string[] = [
  ...cursors.schema,
  ...deadLetters.schema,
  `CREATE TABLE sources (id INTEGER PRIMARY KEY, site TEXT NOT NULL, agent TEXT NOT NULL, spool TEXT NOT NULL,
    received BLOB NOT NULL, at_ms REAL NOT NULL, UNIQUE (site, agent, spool)) STRICT`,
  `CREATE TABLE series (id INTEGER PRIMARY KEY, site TEXT NOT NULL, device TEXT NOT NULL, metric TEXT NOT NULL,
    unit TEXT NOT NULL, last_ts REAL NOT NULL, last_value REAL NOT NULL, UNIQUE (site, device, metric)) STRICT`,
  `CREATE TABLE bodies (source INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, at_ms REAL NOT NULL,
    PRIMARY KEY (source, seq)) STRICT, WITHOUT ROWID`,
  'CREATE INDEX bodies_at ON bodies (at_ms)',
  `CREATE TABLE accounts (source INTEGER NOT NULL, device TEXT NOT NULL, seq INTEGER NOT NULL, sent INTEGER NOT NULL,
    terms TEXT NOT NULL, held INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, device)) STRICT, WITHOUT ROWID`,
  `CREATE TABLE parts (series INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, source INTEGER NOT NULL,
    rev INTEGER NOT NULL, count INTEGER NOT NULL, refused INTEGER NOT NULL, late INTEGER NOT NULL,
    replaced INTEGER NOT NULL DEFAULT 0, changes INTEGER NOT NULL DEFAULT 0, n INTEGER NOT NULL, at_ms REAL NOT NULL,
    row TEXT) STRICT`,
  'CREATE UNIQUE INDEX parts_key ON parts (series, start, length, source)',
  'CREATE INDEX parts_n ON parts (n)',
  `CREATE TABLE completeness (source INTEGER NOT NULL, device TEXT NOT NULL, start INTEGER NOT NULL,
    length INTEGER NOT NULL, boot TEXT NOT NULL, rev INTEGER NOT NULL, first_seq INTEGER, last_seq INTEGER,
    messages INTEGER NOT NULL, changes INTEGER NOT NULL DEFAULT 0, n INTEGER NOT NULL, at_ms REAL NOT NULL) STRICT`,
  'CREATE UNIQUE INDEX completeness_key ON completeness (device, start, length, source, boot)',
  'CREATE INDEX completeness_n ON completeness (n)',
  `CREATE TABLE dirty (store TEXT NOT NULL, tier TEXT NOT NULL, start INTEGER NOT NULL, series INTEGER NOT NULL,
    PRIMARY KEY (store, tier, start, series)) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER parts_added AFTER INSERT ON parts BEGIN
    UPDATE accounts SET held = held + ${held('new')}, refused = refused + ${refused('new')} WHERE ${ofDevice}; END`,
  `CREATE TRIGGER parts_changed AFTER UPDATE OF count, refused, replaced ON parts BEGIN
    UPDATE accounts SET held = held + ${held('new')} - ${held('old')},
      refused = refused + ${refused('new')} - ${refused('old')} WHERE ${ofDevice}; END`,
]

/** Made on opening where a spool does not have them yet: they came after its first version. */
export const laterTables: readonly string[] = [
  ...values.schema,
  ...alertTables,
  ...traceTables,
  ...stockTables,
  // Numbers of each start of an agent, so that one which another start gave out again is known after its hash has gone.
  `CREATE TABLE epochs (source INTEGER NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, newest INTEGER NOT NULL,
    PRIMARY KEY (source, epoch)) STRICT, WITHOUT ROWID`,
]
