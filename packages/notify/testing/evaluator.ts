import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { checkConfig, silentLogger, systemClock } from '@millrace/pipeline'
import { deadLetters, openSpool } from '@millrace/spool'
import { notifySchema, openNotifier } from '../src/index.ts'
import { alertOf, cleared } from './alerts.ts'

// Raises and clears alerts one by one, each in one transaction with its number, and prints a number once it is on disk.
const [folder, url, count] = process.argv.slice(2)
const spool = await openSpool({
  folder: folder!,
  application: 'test',
  version: 1,
  schema: [...deadLetters.schema, 'CREATE TABLE judged (n INTEGER PRIMARY KEY) STRICT'],
  maxBytes: 64 * 1024 ** 2,
  reserveBytes: 1024 ** 2,
})
const channels = [{ type: 'webhook', name: 'ops', url, timeout: 500 }]
const config = checkConfig({ channels, groupWait: 0, groupEvery: 0, maxPerMinute: 10_000 }, notifySchema, 'a test')
const backoff = { minMs: 5, maxMs: 50 }
const options = { config, spool, clock: systemClock, log: silentLogger, evaluator: 'pi', backoff }
const notifier = await openNotifier(options)
notifier.start()
writeSync(1, 'open\n')
const [row] = await spool.read('SELECT coalesce(max(n), 0) FROM judged')
for (let n = Number(row![0]) + 1; n <= Number(count); n++) {
  const alert = alertOf({ device: `d${Math.ceil(n / 2)}` })
  const plan = notifier.plan([n % 2 === 1 ? alert : cleared(alert)])
  await spool.write([...plan.statements, { sql: 'INSERT INTO judged VALUES (?)', rows: [[n]] }])
  plan.committed()
  writeSync(1, `${n}\n`)
  await delay(Math.random() * 30)
}
while (notifier.status().some(({ waiting }) => waiting > 0)) await delay(10)
await notifier.stop()
await spool.close()
writeSync(1, 'end\n')
