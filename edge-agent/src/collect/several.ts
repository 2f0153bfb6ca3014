import type { Source } from '@millrace/pipeline'

/** Sources as one: they start in order and stop in reverse, and a delivery of any goes the same way. */
export function several(sources: readonly Source[]): Source {
  return {
    async start(receive) {
      for (const source of sources) await source.start(receive)
    },
    async stop() {
      for (const source of sources.toReversed()) await source.stop()
    },
    hears: () => sources.every((source) => source.hears?.() ?? true),
  }
}
