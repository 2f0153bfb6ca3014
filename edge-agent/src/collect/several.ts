import type { Source } from '@millrace/pipeline'

/** Sources as one: they start in order and stop in reverse, and a delivery of any goes the same way. */
export function several(sources: readonly Source[]): Source {
  const speaker = sources.find(({ publish }) => publish !== undefined)
  return {
    async start(receive) {
      for (const source of sources) await source.start(receive)
    },
    async stop() {
      for (const source of sources.toReversed()) await source.stop()
    },
    ...(speaker?.publish ? { publish: (message) => speaker.publish!(message) } : {}),
    state: () => Object.assign({}, ...sources.map((source) => source.state?.())),
    hears: () => sources.every((source) => source.hears?.() ?? true),
    problem: () => sources.map((source) => source.problem?.()).find((problem) => problem !== undefined),
  }
}
