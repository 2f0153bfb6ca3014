import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Custody } from '../../cloud-ingest/src/spool/index.ts'
import { openDuckDb } from '../../cloud-ingest/src/store/duckdb-file.ts'
import { silentLogger, systemClock } from '../../packages/pipeline/src/index.ts'
import { Breaches } from './breaches.ts'

/** Readings of each window that the store has, by device and start. */
async function readStore(file: string): Promise<Map<string, number>> {
  const { instance } = await openDuckDb(file, silentLogger)
  const connection = await instance.connect()
  try {
    const rows = await connection.runAndReadAll('SELECT device, start, count FROM summary_1m')
    return new Map(rows.getRowsJS().map(([device, start, count]) => [`${device}/${start}`, Number(count)]))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The store opens by itself, and has what the spool says it has taken: nobody would give it that again. */
export async function judgeStore(dataDir: string): Promise<string[]> {
  const options = { dataDir, maxBytes: 64 * 1024 * 1024, clock: systemClock, log: silentLogger }
  const custody = await Custody.open({ ...options, committed: () => undefined })
  const cursor = await custody.log.cursor('duckdb')
  await custody.close()
  const stored = await readStore(join(dataDir, 'telemetry.duckdb'))
  const breaches = new Breaches()
  const spool = new DatabaseSync(join(dataDir, 'spool', 'spool.db'), { readOnly: true })
  const taken = 'SELECT r.device, p.start, p.count FROM parts AS p JOIN series AS r ON r.id = p.series WHERE p.n <= ?'
  for (const { device, start, count } of spool.prepare(taken).all(cursor)) {
    if ((stored.get(`${device}/${start}`) ?? 0) < Number(count))
      breaches.add('a stored row is gone', `${device}/${start}`)
  }
  spool.close()
  return breaches.list
}
