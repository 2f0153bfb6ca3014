/**
 * `node mutants/run.ts [words…] [--against TEST-FILE]`: each mutant whose name contains one of the words, against the test
 * that kills it or against this one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutants } from './index.ts'
import type { Mutant } from './mutant.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const preload = new URL('load.ts', import.meta.url).href
const atOnce = 2
/** A mutant may hang; then the test has noticed. */
const withinMs = 180_000

const running = new Set<ChildProcess>()

function killAll(): void {
  for (const { pid } of running) process.kill(-pid!, 'SIGKILL')
  process.exit(130)
}

interface Outcome {
  verdict: 'killed' | 'survived' | 'broken'
  detail: string
  seconds: number
}

interface Report {
  numFailedTests: number
  numPassedTests: number
  testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[]
}

function reportIn(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    return undefined
  }
}

/** Only a test that failed kills: a file that did not load, or a name that no test has, proves nothing. */
function verdictOf(report: Report | undefined, hung: boolean): Omit<Outcome, 'seconds'> {
  if (hung) return { verdict: 'killed', detail: 'it hung' }
  if (!report) return { verdict: 'broken', detail: 'vitest wrote no report' }
  const failed = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed'),
  )
  if (failed.length > 0) return { verdict: 'killed', detail: failed[0]!.fullName }
  if (report.numPassedTests === 0)
    return { verdict: 'broken', detail: report.testResults[0]?.message.split('\n')[0] ?? 'no test ran' }
  return { verdict: 'survived', detail: `${report.numPassedTests} tests passed` }
}

const sound = new Map<string, Promise<boolean>>()

/** A test that fails without the mutant as well proves nothing. */
function isSound(killedBy: string): Promise<boolean> {
  const known = sound.get(killedBy) ?? run('', killedBy).then(({ verdict }) => verdict === 'survived')
  sound.set(killedBy, known)
  return known
}

async function test({ name, killedBy }: Mutant): Promise<Outcome> {
  const outcome = await run(name, killedBy)
  if (outcome.verdict !== 'killed' || (await isSound(killedBy))) return outcome
  return { ...outcome, verdict: 'broken', detail: `${killedBy} fails without it` }
}

/** The test with the mutant; without one where its name is empty. */
async function run(name: string, killedBy: string): Promise<Outcome> {
  const [file, title] = killedBy.split(' > ')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mutant-'))
  const report = join(folder, 'report.json')
  const args = [
    'run',
    '--config',
    'mutants/vitest.config.ts',
    '--bail',
    '1',
    '--reporter',
    'json',
    '--outputFile',
    report,
  ]
  const narrowed = title === undefined ? [] : ['-t', title]
  const startedMs = performance.now()
  const child = spawn(process.execPath, [vitest, ...args, ...narrowed, file!], {
    ...{ cwd: root, stdio: 'ignore' as const, detached: true },
    env: {
      ...process.env,
      ...{ MILLRACE_MUTANT: name, NODE_OPTIONS: `--import ${preload}` },
      MILLRACE_INTEGRATION: file!.includes('.integration.') ? '1' : '',
    },
  })
  running.add(child)
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    process.kill(-child.pid!, 'SIGKILL')
  }, withinMs)
  await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(timer)
  running.delete(child)
  const outcome = { ...verdictOf(reportIn(report), hung), seconds: (performance.now() - startedMs) / 1000 }
  rmSync(folder, { recursive: true, force: true })
  return outcome
}

function chosen(words: readonly string[]): Mutant[] {
  const names = new Set(mutants.map(({ name }) => name))
  const found = mutants.filter(
    ({ name }) => words.length === 0 || words.some((word) => (names.has(word) ? name === word : name.includes(word))),
  )
  if (found.length === 0) throw new Error(`no mutant is called ${words.join(' or ')}`)
  return found
}

async function runAll(list: readonly Mutant[]): Promise<number> {
  const waiting = [...list]
  const bad: string[] = []
  let done = 0
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const { verdict, detail, seconds } = await test(mutant)
      done++
      const line = `${verdict.padEnd(8)} ${mutant.name}: ${detail}`
      if (verdict !== 'killed') bad.push(line)
      process.stdout.write(`${String(done).padStart(3)}/${list.length} ${line} (${seconds.toFixed(1)} s)\n`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  process.stdout.write(
    `${list.length - bad.length} of ${list.length} mutants killed\n${bad.map((line) => `  ${line}\n`).join('')}`,
  )
  return bad.length
}

process.once('SIGINT', killAll)
process.once('SIGTERM', killAll)

const words = process.argv.slice(2)
const against = words.indexOf('--against')
const [, killedBy] = against < 0 ? [] : words.splice(against, 2)
if (words.includes('--list')) {
  for (const { name, file, killedBy } of mutants) process.stdout.write(`${name}\n  ${file}\n  ${killedBy}\n`)
} else {
  const list = chosen(words).map((mutant) => (killedBy === undefined ? mutant : { ...mutant, killedBy }))
  process.exitCode = (await runAll(list)) > 0 ? 1 : 0
}
