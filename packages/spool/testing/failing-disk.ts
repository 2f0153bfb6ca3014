import { journal, openSpool } from '../src/index.ts'
import { spoolOptions } from './index.ts'

// Writes some rows, each told of once it is on disk; after the first failure one more, which must be refused. Then closes.
const folder = process.argv[2]!
const say = (line: string) => process.stdout.write(`${line}\n`)
const spool = await openSpool(spoolOptions(folder)).catch((error: { code: string }) => {
  say(`closed ${error.code}`)
  process.exit(3)
})
const [row] = await spool.read('SELECT coalesce(max(id), 0) FROM twins')
const first = Number(row![0]) + 1
const write = async (id: number) => {
  await spool.write([
    ...journal.append(id, new Uint8Array(20_000).fill(id % 251)),
    { sql: 'INSERT INTO twins VALUES (?)', rows: [[id]] },
  ])
}
for (let id = first; id < first + 5; id++) {
  const code = await write(id).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  )
  say(`${code} ${id}`)
  if (code === 'ok') continue
  await write(id + 1).then(
    () => say(`ok ${id + 1}`),
    (error: { code: string }) => say(`again ${error.code}`),
  )
  break
}
await spool.close().catch((error: { code: string }) => say(`close ${error.code}`))
