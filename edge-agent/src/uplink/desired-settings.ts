import type { SettingsReport } from '@millrace/contracts'
import type { Logger } from '@millrace/pipeline'
import type { Desired, ReadDesired } from './desired.ts'
import type { Remote } from './remote.ts'
import type { UplinkState } from './uplink.ts'

export interface DesiredSettingsOptions {
  log: Logger
  state: UplinkState
  remote(): Remote
  read(asked: unknown): ReadDesired
}

const key = 'desired'

/** What the cloud asks for: checked, kept over restarts, applied. What is refused leaves in force what was. */
export class DesiredSettings {
  readonly #options: DesiredSettingsOptions
  #inForce: Desired = { windows: {}, quota: {} }
  #report: SettingsReport = { version: null, state: 'none', problems: [] }

  constructor(options: DesiredSettingsOptions) {
    this.#options = options
  }

  get inForce(): Desired {
    return this.#inForce
  }

  /** What became of the newest. */
  get report(): SettingsReport {
    return this.#report
  }

  /** Takes up what was asked for before the last stop, so that a start without a connection is the same. */
  async restore(): Promise<void> {
    const { state, log, read } = this.#options
    const bytes = await state.load(key)
    if (!bytes) return
    try {
      const found = read(JSON.parse(Buffer.from(bytes).toString('utf8')))
      if (found.ok) this.#inForce = found.desired
    } catch (error) {
      log.warn({ error }, 'the desired settings of the last run could not be read')
    }
  }

  /** Undefined and null ask for nothing: then everything is as the config file has it. */
  async take(version: number | null, asked: unknown): Promise<void> {
    const found = this.#options.read(asked ?? {})
    if (!found.ok) return this.refuse(version, found.problems)
    try {
      await this.#apply(found.desired, asked ?? {})
      this.#report = { version, state: asked == null ? 'none' : 'applied', problems: [] }
    } catch (error) {
      this.#report = { version, state: 'refused', problems: [String(error)] }
      this.#options.log.error({ error, version }, 'the desired settings could not be applied')
    }
  }

  refuse(version: number | null, problems: string[]): void {
    this.#report = { version, state: 'refused', problems }
    this.#options.log.warn({ version, problems }, 'the desired settings are refused')
  }

  async #apply(desired: Desired, asked: unknown): Promise<void> {
    const { length, lateness } = desired.windows
    await this.#options.remote().useWindows({
      ...(length === undefined ? {} : { lengthMs: length }),
      ...(lateness === undefined ? {} : { latenessMs: lateness }),
    })
    await this.#options.state.save(key, Buffer.from(JSON.stringify(asked)))
    this.#inForce = desired
  }
}
