import type { RuleReading } from '@millrace/rules'
import type { Past, ShowProgress, WantsReadings } from './past.ts'
import { PastNames } from './past-names.ts'
import { PastWindows } from './past-windows.ts'
import { type RecordedMessage, type RecordingSource, readRecording } from './recording.ts'

export interface LoadOptions {
  /** Length of a window. */
  lengthMs: number
  wantsReadings: WantsReadings
  progress: ShowProgress
}

const progressEvery = 20_000

/** Reads a recording to its end and closes its windows as an agent would. */
export async function loadRecording(source: RecordingSource, options: LoadOptions): Promise<Past> {
  const loader = new Loader(options)
  const notes: string[] = []
  for await (const message of readRecording(source, (note) => notes.push(note))) {
    loader.add(message)
    if (loader.messages % progressEvery === 0) options.progress(`${loader.messages} messages read`)
  }
  return { name: source.file, ...loader.close(), notes: [...notes, ...loader.notes()] }
}

class Loader {
  readonly #names = new PastNames()
  readonly #windows: PastWindows
  readonly #wantsReadings: WantsReadings
  readonly #wanted = new Map<number, boolean>()
  readonly #readings: RuleReading[] = []
  messages = 0
  #undated = 0

  constructor({ lengthMs, wantsReadings }: LoadOptions) {
    this.#windows = new PastWindows(this.#names, lengthMs)
    this.#wantsReadings = wantsReadings
  }

  add({ site, device: name, ts, seq = Number.NaN, boot, readings, acked }: RecordedMessage): void {
    this.messages++
    if (!acked) return
    if (ts === null) {
      this.#undated++
      return
    }
    const device = this.#names.device(site, name)
    const values = Object.entries(readings).map(([metric, value]) => ({
      series: this.#names.series(device, metric),
      value,
    }))
    for (const { series, value } of values) {
      if (this.#wants(series)) this.#readings.push({ ...this.#names.seriesName(series), ts, value })
    }
    this.#windows.add({ device, ts, seq, boot: this.#names.boot(boot), readings: values })
  }

  #wants(series: number): boolean {
    const known = this.#wanted.get(series)
    if (known !== undefined) return known
    const wanted = this.#wantsReadings(this.#names.seriesName(series))
    this.#wanted.set(series, wanted)
    return wanted
  }

  close(): Pick<Past, 'windows' | 'completeness' | 'readings'> {
    return { ...this.#windows.close(), readings: this.#readings }
  }

  notes(): string[] {
    const aside = [...this.#windows.setAside].map(([reason, count]) => `${count} readings set aside: ${reason}`)
    return this.#undated === 0 ? aside : [...aside, `${this.#undated} messages carry no time and are left out`]
  }
}
