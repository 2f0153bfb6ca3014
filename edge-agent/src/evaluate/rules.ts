import type { RulesStatus } from '@millrace/contracts'
import type { Notifier } from '@millrace/notify'
import {
  type Clock,
  type Logger,
  type Message,
  RuleBook,
  type RuleFile,
  readFolder,
  type Source,
  watchFolder,
} from '@millrace/pipeline'
import type { CompiledRule, Engine } from '@millrace/rules'
import type { Spool } from '@millrace/spool'
import type { AgentConfig } from '../config.ts'
import type { Names } from '../names.ts'
import { Evaluation, engineState } from './evaluation.ts'

export interface RulesOptions {
  config: AgentConfig
  clock: Clock
  log: Logger
  names: Names
  spool: { file: Spool; ruleState(): Promise<ReadonlyMap<string, Uint8Array>>; forgetRules(): Promise<void> }
  /** Where devices publish; channels may do so too where that is a broker of our own. */
  devices(): Pick<Source, 'publish'> | undefined
}

type Saved = ReadonlyMap<string, Uint8Array>

/** Key in the spool of the files whose rules are in force. */
const filesKey = 'files'
/** How far back windows are judged again, ms. */
const horizonMs = 24 * 3_600_000

/**
 * Undefined where there are no rules and none are left to withdraw: then nothing of this is loaded.
 * A folder that cannot be used does not keep the agent from starting.
 */
export async function openRules(options: RulesOptions): Promise<Rules | undefined> {
  const saved = await options.spool.ruleState()
  if (options.config.rules === undefined && saved.size === 0) return undefined
  const [book, notifier] = await Promise.all([openBook(options, saved), openNotices(options)])
  const { names, clock, log, config } = options
  const { agent, site } = config
  const opened = await openEngine(options, book, saved)
  if (config.rules === undefined && isOver(opened.engine, notifier)) {
    await notifier.stop()
    await options.spool.forgetRules()
    return undefined
  }
  const plan = notifier.plan.bind(notifier)
  const judge = new Evaluation({ ...opened, names, agent, site, clock, log, plan })
  const rules = new Rules({ book, notifier, judge, agent })
  await rules.follow(config.rules)
  return rules
}

async function openBook({ config, log }: RulesOptions, saved: Saved): Promise<RuleBook<CompiledRule>> {
  const { compileRules, rulesVersion } = await import('@millrace/rules')
  const compile = (files: readonly RuleFile[]) => compileRules(files, { windowMs: config.windows.length })
  const book = new RuleBook({ compile, versionOf: rulesVersion, log })
  book.restore(saved.get(filesKey))
  return book
}

/** State that cannot be read makes no spool unreadable: the rules begin anew, and what was active is judged again. */
async function openEngine({ config, log }: RulesOptions, { rules }: RuleBook<CompiledRule>, saved: Saved) {
  const { createEngine } = await import('@millrace/rules')
  const about = { rules, owner: 'edge' as const, evaluator: config.agent, horizonMs }
  try {
    return { engine: createEngine(about, engineState(saved)) }
  } catch (error) {
    log.error({ error }, 'the state of the alert rules could not be read: they begin anew')
    return { engine: createEngine(about), stale: [...saved.keys()].filter((key) => key !== filesKey) }
  }
}

async function openNotices({ config, clock, log, spool, devices }: RulesOptions): Promise<Notifier> {
  const { openNotifier } = await import('@millrace/notify')
  const { agent: evaluator, notify } = config
  const publish = async (message: Message) => {
    const broker = devices()
    if (!broker?.publish) throw new Error('devices publish to no broker of this agent')
    await broker.publish(message)
  }
  return await openNotifier({ config: notify, spool: spool.file, clock, log, evaluator, publish })
}

/** Nothing is active that must be withdrawn, and nobody has still to be told. */
function isOver(engine: Engine, notifier: Notifier): boolean {
  return engine.active().length === 0 && notifier.status().every(({ waiting }) => waiting === 0)
}

interface RulesParts {
  judge: Evaluation
  agent: string
  book: RuleBook<CompiledRule>
  notifier: Notifier
}

/** The rules of an agent, from their folder to those who are told. */
export class Rules {
  readonly #parts: RulesParts
  #watch: { stop(): void } | undefined

  constructor(parts: RulesParts) {
    this.#parts = parts
  }

  get judge(): Evaluation {
    return this.#parts.judge
  }

  /** Takes the rules of a folder, now and whenever its files change; without a folder there are none. */
  async follow(folder: string | undefined): Promise<void> {
    this.#take(folder === undefined ? [] : await readFolder(folder))
    if (folder !== undefined) this.#watch = watchFolder(folder, (files) => this.#take(files))
  }

  /** Begins to tell. */
  start(): void {
    this.#parts.notifier.start()
  }

  /** Safe twice, and without start. */
  async stop(): Promise<void> {
    this.#watch?.stop()
    await this.#parts.notifier.stop()
  }

  status(): RulesStatus & { raised: number } {
    const { agent, book, judge, notifier } = this.#parts
    const { version } = book
    const problem = judge.failure ?? book.problem
    const rules = book.rules.filter(({ at }) => at === 'edge').length
    const channels = notifier.status()
    const { active, raised } = judge
    return { evaluator: agent, version, rules, active, problem, channels, raised }
  }

  #take(files: readonly RuleFile[]): void {
    const { book, judge } = this.#parts
    const change = book.read(files)
    if (change) judge.use({ rules: change.rules, state: [{ key: filesKey, bytes: change.saved }] })
  }
}
