/**
 * `alerts` is the truth about alerts, and a log as well: a changed alert gets a new, higher `n`, which is never given
 * out twice.
 */
export const alertTables: readonly string[] = [
  `CREATE TABLE alerts (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, rev INTEGER NOT NULL, site TEXT NOT NULL,
    device TEXT NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
    start INTEGER NOT NULL, at_ms REAL NOT NULL, body TEXT NOT NULL) STRICT`,
  'CREATE UNIQUE INDEX alerts_id ON alerts (id)',
  'CREATE INDEX alerts_start ON alerts (start)',
  'CREATE INDEX alerts_state ON alerts (state)',
]
