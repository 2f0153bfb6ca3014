import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { journal, openSpool } from '@millrace/spool'

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'millrace-bench-spool-'))
const schema = [...journal.schema, 'CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT']
const spool = await openSpool({
  folder,
  application: 'bench',
  version: 1,
  schema,
  maxBytes: 2 ** 31,
  reserveBytes: 2 ** 20,
})

const say = (what: string, figures: string) => process.stdout.write(`${what.padEnd(44)} ${figures}\n`)

async function commits(bytesEach: number, count: number): Promise<void> {
  const body = new Uint8Array(bytesEach).map((_, index) => (index * 31) % 256)
  const waits = new Float64Array(count)
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  for (let id = 0; id < count; id++) {
    const sentAt = performance.now()
    await spool.write(journal.append(id, body))
    waits[id] = performance.now() - sentAt
  }
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  waits.sort()
  const at = (q: number) => waits[Math.ceil(q * count) - 1]!.toFixed(2)
  const cpuMs = ((user + system) / 1000 / count).toFixed(2)
  say(
    `journal commits of ${bytesEach} bytes`,
    `${Math.round(count / seconds)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms, ${cpuMs} CPU ms each`,
  )
  await spool.write(journal.drop(count))
}

async function rows(perCommit: number, total: number): Promise<void> {
  const row = [new Uint8Array(200)]
  const statement = {
    sql: 'INSERT INTO rows VALUES (NULL, ?)',
    rows: Array.from({ length: perCommit }, () => row),
  }
  const startedAt = performance.now()
  for (let written = 0; written < total; written += perCommit) await spool.write([statement])
  const seconds = (performance.now() - startedAt) / 1000
  say(`rows of 200 bytes, ${perCommit} a commit`, `${Math.round(total / seconds)} rows/s`)
}

try {
  await commits(223, 3000)
  await commits(20_000, 2000)
  await commits(200_000, 300)
  await rows(1, 2000)
  await rows(100, 100_000)
  await rows(1000, 200_000)
  const startedAt = performance.now()
  const found = await spool.read('SELECT id, bytes FROM rows LIMIT 200000')
  say('rows of 200 bytes read', `${Math.round((found.length / (performance.now() - startedAt)) * 1000)} rows/s`)
} finally {
  await spool.close()
  rmSync(folder, { recursive: true })
}
