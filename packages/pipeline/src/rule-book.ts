import type { Problem } from './errors.ts'
import type { Logger } from './log.ts'
import type { FolderFile } from './watch-folder.ts'

/** A file of a folder of rules. */
export type RuleFile = FolderFile

export interface RuleBookOptions<Rule> {
  compile(files: readonly RuleFile[]): { rules: readonly Rule[]; problems: readonly Problem[] }
  /** Names rules in force. */
  versionOf(rules: readonly Rule[]): string
  log: Logger
}

/** Rules that are new in force. `saved` is to be kept with what they cause, and given to `restore`; null: nothing. */
export interface NewRules<Rule> {
  rules: readonly Rule[]
  saved: Uint8Array | null
}

/** The last good rules: they stay in force while the folder has bad ones, also over a new start. */
export class RuleBook<Rule> {
  private readonly options: RuleBookOptions<Rule>
  private inForce: readonly Rule[] = []
  private named: string
  private refused: string | null = null

  constructor(options: RuleBookOptions<Rule>) {
    this.options = options
    this.named = options.versionOf([])
  }

  get rules(): readonly Rule[] {
    return this.inForce
  }

  get version(): string {
    return this.named
  }

  /** Why the newest files were refused; null where they are in force. */
  get problem(): string | null {
    return this.refused
  }

  /** The rules that were in force when the service ended; those that this program cannot read any more are none. */
  restore(saved: Uint8Array | undefined): void {
    if (saved === undefined) return
    try {
      const files = JSON.parse(Buffer.from(saved).toString('utf8')) as RuleFile[]
      const { rules, problems } = this.options.compile(files)
      if (problems.length === 0) this.take(rules)
    } catch (error) {
      this.options.log.error({ error }, 'the last alert rules could not be read')
    }
  }

  /** What the folder says now; undefined where that is bad, or the same. */
  read(files: readonly RuleFile[]): NewRules<Rule> | undefined {
    const { rules, problems } = this.compile(files)
    if (problems.length > 0) {
      this.refuse(problems)
      return undefined
    }
    this.refused = null
    if (this.options.versionOf(rules) === this.named) return undefined
    this.take(rules)
    this.options.log.info({ version: this.named, rules: rules.length }, 'alert rules in force')
    return { rules, saved: rules.length === 0 ? null : Buffer.from(JSON.stringify(files)) }
  }

  /** Bad files change nothing but what the status says. */
  refuse(problems: readonly Problem[]): void {
    const [first] = problems
    if (!first) return
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
    const problem = `${first.path}: found ${first.found}, expected ${first.expected}${more}`
    if (problem === this.refused) return
    this.refused = problem
    this.options.log.error({ problems, version: this.named }, 'alert rules are refused, the last good ones stay')
  }

  /** Files come from people at any time: whatever they hold ends no service. */
  private compile(files: readonly RuleFile[]): ReturnType<RuleBookOptions<Rule>['compile']> {
    try {
      return this.options.compile(files)
    } catch (error) {
      const found = error instanceof Error ? error.message.split('\n')[0]! : String(error)
      return { rules: [], problems: [{ path: '(all files)', found, expected: 'rules that can be read' }] }
    }
  }

  private take(rules: readonly Rule[]): void {
    this.inForce = rules
    this.named = this.options.versionOf(rules)
  }
}
