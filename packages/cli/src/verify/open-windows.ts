import type { AgentState } from './api.ts'
import type { WindowSpan } from './judge-series.ts'
import { deviceKey } from './ledger.ts'

/** Windows that an agent held open when it was asked, one or more times. */
export class OpenWindows {
  readonly #spans = new Map<string, Set<string>>()

  note(state: AgentState): this {
    for (const { site, device, openWindows } of state.devices) {
      const key = deviceKey({ site, device })
      const spans = this.#spans.get(key) ?? new Set()
      for (const [start, lengthMs] of openWindows) spans.add(`${start}/${lengthMs}`)
      this.#spans.set(key, spans)
    }
    return this
  }

  any(device: { site: string; device: string }): boolean {
    return (this.#spans.get(deviceKey(device))?.size ?? 0) > 0
  }

  has(device: { site: string; device: string }, { start, lengthMs }: WindowSpan): boolean {
    return this.#spans.get(deviceKey(device))?.has(`${start}/${lengthMs}`) ?? false
  }

  /** True where a window that begins in the span is open. */
  within(device: { site: string; device: string }, { start, lengthMs }: WindowSpan): boolean {
    const starts = [...(this.#spans.get(deviceKey(device)) ?? [])].map((span) => Number.parseInt(span, 10))
    return starts.some((at) => at >= start && at < start + lengthMs)
  }
}
