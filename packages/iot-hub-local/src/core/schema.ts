import { values } from '@millrace/spool'

export const application = 'millrace-iot-hub-local'
export const version = 1

/** One file for the whole hub. Registry, twins and sessions are read whole at start; events and commands stay on disk. */
export const schema = [
  ...values.schema,
  `CREATE TABLE hub_logs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, created_ms INTEGER NOT NULL
  ) STRICT`,
  `CREATE TABLE hub_partitions (
    log INTEGER NOT NULL, partition INTEGER NOT NULL, next_sequence INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL, last_enqueued_ms INTEGER NOT NULL, PRIMARY KEY (log, partition)
  ) STRICT`,
  `CREATE TABLE hub_events (
    log INTEGER NOT NULL, partition INTEGER NOT NULL, sequence INTEGER NOT NULL, offset INTEGER NOT NULL,
    enqueued_ms INTEGER NOT NULL, key TEXT, head TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (log, partition, sequence)
  ) STRICT`,
  'CREATE TABLE hub_devices (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE hub_twins (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE hub_sessions (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID',
  `CREATE TABLE hub_commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, expires_ms INTEGER NOT NULL,
    deliveries INTEGER NOT NULL, head TEXT NOT NULL, body BLOB NOT NULL
  ) STRICT`,
  'CREATE INDEX hub_commands_of ON hub_commands (device, id)',
  `CREATE TABLE hub_feedback (id INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL) STRICT`,
]
