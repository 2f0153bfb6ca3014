import { writeSync } from 'node:fs'
import { journal, openSpool } from '../src/index.ts'
import { spoolOptions } from './index.ts'

// Writes rows of two tables in one transaction each and prints an id only after its write resolved.
const spool = await openSpool(spoolOptions(process.argv[2]!))
const [row] = await spool.read('SELECT coalesce(max(id), 0) FROM twins')
writeSync(1, 'open\n')
for (let id = Number(row![0]) + 1; ; id++) {
  const bytes = new Uint8Array(1 + ((id * 7919) % 30_000)).fill(id % 251)
  await spool.write([...journal.append(id, bytes), { sql: 'INSERT INTO twins VALUES (?)', rows: [[id]] }])
  writeSync(1, `${id}\n`)
}
