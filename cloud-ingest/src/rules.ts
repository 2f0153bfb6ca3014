import type { Alert, RulesResponse, RulesStatus } from '@millrace/contracts'
import type { NotifyPlan } from '@millrace/notify'
import { type Clock, type Logger, RuleBook, type RuleFile, readFolder, watchFolder } from '@millrace/pipeline'
import { type CompiledRule, compileRules, createEngine, type Engine, rulesVersion } from '@millrace/rules'
import type { CloudLink } from './cloud-link.ts'
import type { Decoded } from './decode/index.ts'
import { Evaluator } from './evaluate/evaluator.ts'
import { Listening } from './evaluate/listening.ts'
import { LiveReadings } from './evaluate/live-readings.ts'
import { Presence } from './evaluate/presence.ts'
import type { Spooled } from './received.ts'
import type { Custody } from './spool/index.ts'
import { mergeAll } from './store/merge.ts'

/** How far back windows are judged again. */
const horizonMs = 24 * 3_600_000
/** Length of windows where no agent has told another; a shorter `for` is warned of. */
const windowMs = 60_000
/** Key of the files whose rules are in force. */
const filesKey = 'files'
const enginePrefix = 'engine/'

export interface CloudRulesOptions {
  /** Folder of the rules; undefined where there is none, or none any more. */
  folder: string | undefined
  custody: Custody
  link: CloudLink
  clock: Clock
  log: Logger
  /** What was kept of the rules. */
  saved: ReadonlyMap<string, Uint8Array>
  /** Who judges, as alerts and status name it. */
  evaluator: string
  plan(alerts: readonly Alert[]): NotifyPlan
  /** Real time after a connection within which agents will have told that they are there. */
  settleMs: number
}

/** A folder that cannot be used does not keep the ingest from starting. */
export async function openCloudRules(options: CloudRulesOptions): Promise<CloudRules> {
  const { log, saved } = options
  const compile = (files: readonly RuleFile[]) => compileRules(files, { windowMs })
  const book = new RuleBook<CompiledRule>({ compile, versionOf: rulesVersion, log })
  book.restore(saved.get(filesKey))
  const engine = await openEngine(options, book.rules)
  const rules = new CloudRules(options, { book, engine })
  await rules.follow()
  return rules
}

/** State that cannot be read keeps nothing from starting: what is in the spool is judged again. */
async function openEngine(options: CloudRulesOptions, rules: readonly CompiledRule[]): Promise<Engine> {
  const { custody, evaluator, saved, log } = options
  const about = { rules, owner: 'cloud' as const, evaluator, horizonMs }
  try {
    return createEngine(about, engineState(saved))
  } catch (error) {
    log.error({ error }, 'the state of the alert rules could not be read: they begin anew')
    await custody.evaluation.beginAnew([...saved.keys()].filter((key) => key.startsWith(enginePrefix)))
    return createEngine(about)
  }
}

const ofCloud = (rules: readonly CompiledRule[]) => rules.filter(({ at }) => at === 'cloud')

function engineState(saved: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const own = [...saved].filter(([key]) => key.startsWith(enginePrefix))
  return new Map(own.map(([key, bytes]) => [key.slice(enginePrefix.length), bytes]))
}

/** The rules that are evaluated here, from their folder to the alerts in the spool. */
export class CloudRules {
  private readonly options: CloudRulesOptions
  private readonly book: RuleBook<CompiledRule>
  private readonly engine: Engine
  private readonly presence = new Presence()
  private readonly readings: LiveReadings
  private readonly listening: Listening
  readonly evaluator: Evaluator
  private running: Promise<void> = Promise.resolve()

  constructor(options: CloudRulesOptions, { book, engine }: { book: RuleBook<CompiledRule>; engine: Engine }) {
    this.options = options
    this.book = book
    this.engine = engine
    const { custody, clock, log, plan, link, settleMs } = options
    this.readings = new LiveReadings(engine)
    this.listening = new Listening(link, settleMs)
    link.onConnect(() => {
      this.presence.reconnected()
      this.listening.connected()
    })
    this.evaluator = new Evaluator({
      ...{ engine, presence: this.presence, readings: this.readings, plan, clock, horizonMs, logger: log },
      ...{ log: custody.log, spool: custody.evaluation },
      merge: (windows) => mergeAll(windows).rows,
      listening: () => this.listening.now(),
    })
  }

  /** Takes the rules of the folder as they are. */
  async follow(): Promise<void> {
    const { folder } = this.options
    this.take(folder === undefined ? [] : await readFolder(folder))
  }

  /** Begins to judge, and to look after the folder, until the signal ends. */
  start(signal: AbortSignal): void {
    const { folder } = this.options
    this.running = this.evaluator.run(signal)
    if (folder === undefined) return
    const watch = watchFolder(folder, (files) => this.take(files))
    signal.addEventListener('abort', () => watch.stop(), { once: true })
  }

  async stopped(): Promise<void> {
    await this.running
  }

  received(decoded: Decoded): void {
    if (decoded.kind === 'status') this.presence.status(decoded.body)
    if (decoded.kind === 'provisional') this.presence.provisional(decoded.body)
    if (decoded.kind !== 'live') return
    this.presence.live(decoded.body)
    this.readings.push(decoded.body)
  }

  committed(messages: readonly Spooled[]): void {
    this.presence.committed(messages)
  }

  status(channels: RulesStatus['channels']): RulesStatus {
    const { version, problem, rules } = this.book
    const active = this.engine.active().length
    const { behind, error } = this.evaluator.state()
    const told = { evaluator: this.options.evaluator, version, rules: ofCloud(rules).length, active, behind, channels }
    return { ...told, problem: problem ?? error }
  }

  inForce(): Pick<RulesResponse, 'version' | 'problem' | 'rules'> {
    const { version, problem } = this.book
    const rules = this.book.rules.map(({ id, at, kind, cause, severity, version: own }) => {
      return { id, at, kind, cause, severity, version: own }
    })
    return { version, problem, rules }
  }

  private take(files: readonly RuleFile[]): void {
    const change = this.book.read(files)
    if (change) this.evaluator.use({ rules: change.rules, state: [{ key: filesKey, bytes: change.saved }] })
  }
}
