import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Problem, parseDuration, readSecret, UsageError } from '@millrace/pipeline'
import type { CompiledRule } from '@millrace/rules'
import { diffAlerts, diffLines } from '../rules/diff.ts'
import { differencesFrom, expectedText, loadExpected } from '../rules/expect.ts'
import { loadHistory } from '../rules/history.ts'
import { loadRecording } from '../rules/load-recording.ts'
import { showProgress } from '../rules/progress.ts'
import { pastReportJson, pastReportLines } from '../rules/report.ts'
import { type TryInput, type TryResult, tryRules } from '../rules/try-rules.ts'
import { readRunFile } from '../up/run-file.ts'
import type { ServerAddress } from '../verify/api.ts'

export interface PastFlags {
  window: string
  diff?: string
  expect?: string
  saveExpected?: string
  json?: boolean
}

export interface TestFlags extends PastFlags {
  on: string
  map?: string
  history?: string
  until?: string
  seed?: string
  perturb?: string
}

export interface ServerFlags {
  dataDir: string
  url?: string
  tokenFile?: string
}

export interface BacktestFlags extends PastFlags, ServerFlags {
  from: string
  to: string
  store?: string
}

const narrowest = 100

/** Length of a window as a flag says it. */
export function windowMsOf(window: string): number {
  const ms = parseDuration(window)
  if (ms && ms > 0) return ms
  const problem: Problem = { path: '--window', found: window, expected: 'a duration such as 1m' }
  throw new UsageError('rules cannot be tried like this', [problem])
}

/** The ingest that flags name: by its address, or as the one of a data folder. */
export function ingestOf({ url, dataDir, tokenFile }: ServerFlags): ServerAddress {
  const port = readRunFile(resolve(dataDir))?.ports.http ?? 8080
  const token = tokenFile === undefined ? undefined : readSecret(tokenFile, '--token-file')
  return { url: url ?? `http://127.0.0.1:${port}`, flag: '--url', token }
}

const agentSilence = ({ definition }: CompiledRule) => definition.kind === 'silence' && definition.of === 'agent'

const notInRecordings = (rule: CompiledRule) =>
  agentSilence(rule) ? 'a recording does not say when its agent was away' : undefined

function notInHistory(rule: CompiledRule): string | undefined {
  const { definition } = rule
  if (agentSilence(rule)) return 'what is stored does not say when an agent was away'
  if (definition.kind === 'incomplete') return 'what is stored tells of missing messages over a span only'
  if (definition.kind === 'threshold' && definition.on === 'reading') return 'single readings are not stored'
  return undefined
}

function humanText({ past, tried, other }: TryResult): string {
  const width = Math.max(narrowest, process.stdout.columns ?? 0)
  const { name, windows } = past
  const report = { ...tried, name, notes: [...past.notes, ...tried.notJudged] }
  const lines = pastReportLines(report, windows, width)
  if (!other) return lines.join('\n')
  const [before, after] = [tried.judgement.alerts, other.judgement.alerts]
  const rules = [...new Set([...tried.rules, ...other.rules])]
  const untilMs = tried.judgement.span.toMs
  return [
    ...lines,
    '',
    `With the rules of ${other.folder} instead:`,
    ...other.notJudged.map((note) => `  ${note}`),
    ...diffLines({ diff: diffAlerts(before, after), before, after, rules, untilMs }),
  ].join('\n')
}

function jsonText({ past, tried, other }: TryResult, differences: readonly string[] | undefined): string {
  const json = (one: typeof tried) =>
    pastReportJson({ ...one, name: past.name, notes: [...past.notes, ...one.notJudged] })
  return JSON.stringify({
    ok: (differences ?? []).length === 0,
    ...json(tried),
    ...(differences === undefined ? {} : { differences }),
    ...(other && { other: json(other), diff: diffAlerts(tried.judgement.alerts, other.judgement.alerts) }),
  })
}

function save(file: string, { tried }: TryResult): void {
  if (existsSync(file)) {
    throw new UsageError('the expected alerts are not written over', [
      { path: '--save-expected', found: file, expected: 'a file that does not exist yet' },
    ])
  }
  writeFileSync(file, expectedText(tried.judgement.alerts))
}

async function run(input: Omit<TryInput, 'other'>, flags: PastFlags): Promise<number> {
  const expected = flags.expect === undefined ? undefined : await loadExpected(flags.expect)
  const result = await tryRules({ ...input, other: flags.diff })
  if (flags.saveExpected !== undefined) save(flags.saveExpected, result)
  const differences = expected && differencesFrom(expected, result.tried.judgement.alerts)
  const shown = flags.json ? [jsonText(result, differences)] : [humanText(result), ...expectationLines(differences)]
  process.stdout.write(`${shown.join('\n')}\n`)
  return differences === undefined || differences.length === 0 ? 0 : 1
}

function expectationLines(differences: readonly string[] | undefined): string[] {
  if (differences === undefined) return []
  return ['', ...(differences.length === 0 ? ['OK: exactly the expected alerts'] : differences)]
}

/** Exit code 1 where other alerts came than `--expect` says. */
export async function runRulesTest(folder: string, flags: TestFlags): Promise<number> {
  const progress = showProgress()
  const { on, map, history, until, seed, perturb } = flags
  const source = { file: on, map, history, until, seed, perturb }
  const lengthMs = windowMsOf(flags.window)
  const load: TryInput['load'] = async (wantsReadings) => {
    const past = await loadRecording(source, { lengthMs, wantsReadings, progress })
    return past
  }
  return await run({ folder, load, cannotJudge: notInRecordings, progress }, flags).finally(progress.end)
}

export async function runRulesBacktest(folder: string, flags: BacktestFlags): Promise<number> {
  const progress = showProgress()
  const { from, to, store } = flags
  const load: TryInput['load'] = () => loadHistory({ ingest: ingestOf(flags), store, from, to }, progress)
  return await run({ folder, load, cannotJudge: notInHistory, progress }, flags).finally(progress.end)
}
