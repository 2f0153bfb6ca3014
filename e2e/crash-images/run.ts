import { parseArgs } from 'node:util'
import { crashRun, tooGentle } from './crash-run.ts'
import { whyNoTrace } from './strace.ts'
import { type SubjectName, services } from './subject.ts'

// The long form: node e2e/crash-images/run.ts --images 20000 --seed 7. Exit 1 on any violation or a run too gentle.
const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    service: { type: 'string' },
    mutant: { type: 'string' },
    shares: { type: 'string', default: '1' },
    /** Flushes at which it is killed, of each life but the last; default depends on the service. */
    lives: { type: 'string' },
    'last-ms': { type: 'string', default: '9000' },
    json: { type: 'boolean', default: false },
  },
})
const why = whyNoTrace()
if (why !== undefined) {
  process.stderr.write(`${why}\n`)
  process.exit(3)
}
const chosen = values.service === undefined ? services : [values.service as SubjectName]
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const say = (line: string) => process.stderr.write(`${line}\n`)
const lives = { agent: [600, 600], ingest: [120, 120], store: [120, 120] }
const runs = await Promise.all(
  chosen.map((service) => {
    const images = Math.ceil(Number(values.images) / chosen.length)
    // A build that flushes nothing would never reach the flush in which it is killed.
    const living = values.mutant === undefined ? lives[service] : []
    const asked = values.lives
      ?.split(',')
      .filter((text) => text !== '')
      .map(Number)
    const counts = { images, seed: Number(values.seed), shares: Number(values.shares) }
    return crashRun({
      service,
      ...counts,
      lives: asked ?? living,
      lastMs: Number(values['last-ms']),
      mutant: values.mutant,
      say,
    })
  }),
)
const gentle = values.mutant === undefined ? runs.flatMap(tooGentle) : []
for (const { violations, ...figures } of runs) {
  if (values.json) process.stdout.write(`${JSON.stringify({ ...figures, violations: violations.length })}\n`)
  else process.stdout.write(`${table(figures.service, { ...figures, violations: violations.length })}\n`)
  for (const { at, whim, breaches } of violations.slice(0, 10))
    say(`${figures.service}, cut at ${at}, ${whim}: ${breaches.join('; ')}`)
}
for (const reason of gentle) say(`too gentle: ${reason}`)
process.exitCode = gentle.length > 0 || runs.some(({ violations }) => violations.length > 0) ? 1 : 0

function table(service: SubjectName, figures: object): string {
  const { happened, ...counts } = figures as { happened: object }
  const rows = Object.entries({ ...counts, ...happened }).filter(([name]) => name !== 'service')
  return [service, ...rows.map(([name, value]) => `  ${name.padEnd(22)}${value}`)].join('\n')
}
