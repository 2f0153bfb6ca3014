import type { SettingsReport } from '@millrace/contracts'
import type { SeriesWish } from '../names.ts'
import { readAsked } from './desired.ts'
import { DesiredSettings, type DesiredSettingsOptions } from './desired-settings.ts'
import { seriesFilter } from './series-filter.ts'

/** Bodies of kind `config`, retained by the broker: the newest holds. */
export class MqttSettings {
  readonly #settings: DesiredSettings
  #wants: SeriesWish | undefined
  #newest: Uint8Array | undefined
  #taking: Promise<void> = Promise.resolve()

  constructor(options: Omit<DesiredSettingsOptions, 'read'>) {
    this.#settings = new DesiredSettings({ ...options, read: readAsked })
  }

  get report(): SettingsReport {
    return this.#settings.report
  }

  /** Series whose live readings are wanted; undefined: all. */
  get wants(): SeriesWish | undefined {
    return this.#wants
  }

  async restore(): Promise<void> {
    await this.#settings.restore()
    this.#obey()
  }

  /** One after the other. The same again, as on every connect, changes nothing. */
  receive(body: Uint8Array): void {
    this.#taking = this.#taking.then(() => this.#take(body))
  }

  async #take(body: Uint8Array): Promise<void> {
    if (this.#newest && Buffer.compare(this.#newest, body) === 0) return
    try {
      const asked = body.byteLength === 0 ? null : parse(body)
      if (asked === undefined) this.#settings.refuse(null, ['it is no JSON'])
      else await this.#settings.take(versionOf(asked), asked)
    } catch (error) {
      // Such as nesting without end, which nobody can even repeat.
      this.#settings.refuse(null, [String(error)])
    }
    // What could not be applied, perhaps for lack of room, is tried again when it comes again.
    this.#newest = this.#settings.report.state === 'refused' ? undefined : body
    this.#obey()
  }

  #obey(): void {
    const { live } = this.#settings.inForce
    this.#wants = live && seriesFilter(live)
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

function versionOf(asked: unknown): number | null {
  const { version } = (asked ?? {}) as { version?: unknown }
  return typeof version === 'number' ? version : null
}
