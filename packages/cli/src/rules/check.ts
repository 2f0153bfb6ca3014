import type { SeriesInfo, StatusResponse } from '@millrace/contracts'
import type { Problem } from '@millrace/pipeline'
import { type CompiledRule, checkRules, grafanaProblems } from '@millrace/rules'
import { getJson, type ServerAddress } from '../verify/api.ts'
import { compileFolder } from './compile.ts'
import { checkEvidence, type EvidenceVerdict } from './evidence.ts'
import type { ShowProgress } from './past.ts'
import { tableLines } from './text.ts'

export interface CheckInput {
  folder: string
  windowMs: number
  /** A running ingest, of whose series and agents each rule should select some. */
  ingest?: ServerAddress | undefined
  progress: ShowProgress
}

interface CheckedRule {
  id: string
  at: string
  kind: string
  severity: string
  version: string
  /** Series, devices or agents that it selects now; null where nobody was asked. */
  selects: number | null
}

/** What is known of a folder of rules without trying them on a past of one's own. */
export interface CheckResult {
  folder: string
  rules: CheckedRule[]
  /** What makes the folder unusable. */
  problems: Problem[]
  /** Rules that can never fire, or never clear. */
  neverFire: Problem[]
  /** What is allowed and most likely not meant. */
  warnings: Problem[]
  evidence: EvidenceVerdict[]
}

/** 2: the rules cannot be used; 1: one of them does not do what it is there for. */
export function checkExitCode({ problems, neverFire, evidence }: CheckResult): number {
  if (problems.length > 0) return 2
  return neverFire.length > 0 || evidence.some(({ ok }) => !ok) ? 1 : 0
}

/** Distinct series, devices or agents of a rule among those that are there. */
function selectedBy(rule: CompiledRule, { series, agents }: Known): number {
  if (rule.cause === 'agent-offline') return agents.filter((agent) => rule.selects(agent)).length
  const byDevice = rule.kind === 'silence' || rule.kind === 'incomplete'
  const names = series
    .map(({ site, device, metric }) => (byDevice ? { site, device } : { site, device, metric }))
    .filter((subject) => rule.selects(subject))
  return new Set(names.map((name) => Object.values(name).join('/'))).size
}

interface Known {
  series: SeriesInfo[]
  agents: { site: string; agent: string }[]
}

async function knownTo(ingest: ServerAddress): Promise<Known> {
  const series = (await getJson(ingest, '/api/series')) as SeriesInfo[]
  const { agents } = (await getJson(ingest, '/api/status')) as StatusResponse
  return { series, agents: agents.map(({ site, agent }) => ({ site, agent })) }
}

/** Looks at everything in a folder of rules and throws at nothing of it. */
export async function checkFolder({ folder, windowMs, ingest, progress }: CheckInput): Promise<CheckResult> {
  const { rules, problems, placed } = compileFolder(folder)
  const known = ingest && (await knownTo(ingest))
  const sense = checkRules(rules, { windowMs, ...known })
  const refused = rules.flatMap((rule) => grafanaProblems(rule, { windowMs }))
  return {
    folder,
    rules: rules.map((rule) => ({
      ...{ id: rule.id, at: rule.at, kind: rule.kind, severity: rule.severity, version: rule.version },
      selects: known ? selectedBy(rule, known) : null,
    })),
    ...{ problems, neverFire: placed([...sense.problems, ...refused]), warnings: placed(sense.warnings) },
    evidence: problems.length > 0 ? [] : await checkEvidence(rules, { folder, windowMs, progress }),
  }
}

const problemLines = (title: string, list: readonly Problem[]) =>
  list.length === 0
    ? []
    : ['', title, ...list.map(({ path, found, expected }) => `  ${path}: found ${found}; expected ${expected}`)]

function evidenceLines({ rule, recording, ok, spans }: EvidenceVerdict): string[] {
  const lines = spans.map((span) => `  ${span.ok ? 'ok ' : 'NOT'} ${span.kind} ${span.text} (found ${span.found})`)
  return ['', `${rule} on ${recording}: ${ok ? 'does what it says' : 'does NOT do what it says'}`, ...lines]
}

function rulesTable(rules: readonly CheckedRule[]): string[] {
  const rows = rules.map(({ id, at, kind, severity, selects }) => [
    ...[id, at, kind, severity, selects === null ? '' : `selects ${selects}`],
  ])
  return tableLines([['rule', 'at', 'kind', 'severity', ''], ...rows])
}

const verdicts = {
  0: 'OK',
  1: 'FAILED: not every rule does what it is there for',
  2: 'FAILED: these rules cannot be used; the last good ones stay in force',
} as const

/** For people: every rule, then everything that is wrong, at once. */
export function checkLines(result: CheckResult): string[] {
  const { folder, rules, problems, neverFire, warnings, evidence } = result
  return [
    ...rulesTable(rules),
    ...problemLines('Wrong:', problems),
    ...problemLines('Can never fire, or never clear:', neverFire),
    ...problemLines('Allowed, and most likely not meant:', warnings),
    ...evidence.flatMap(evidenceLines),
    '',
    `${folder}: ${rules.length} rules. ${verdicts[checkExitCode(result) as 0 | 1 | 2]}`,
  ]
}
