/** Devices that cannot be checked in a span: some rows of theirs went other ways than into the store. */
export const stockTables: readonly string[] = [
  `CREATE TABLE unchecked (store TEXT NOT NULL, start INTEGER NOT NULL, site TEXT NOT NULL, device TEXT NOT NULL,
    PRIMARY KEY (store, start, site, device)) STRICT, WITHOUT ROWID`,
]
