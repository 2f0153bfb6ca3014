import { pause } from '@millrace/pipeline'
import { type AgentConfig, windowSettings } from './config.ts'
import { explain } from './explain.ts'
import type { Pipeline } from './pipeline.ts'
import type { StatusReporter } from './status-reporter.ts'
import type { Remote } from './uplink/index.ts'
import { saveTimes } from './window-times.ts'

const lookEveryMs = 100

/** What may be asked of an agent from afar. */
export function createRemote(pipeline: Pipeline, reporter: StatusReporter, config: AgentConfig): Remote {
  return {
    status: () => reporter.status(),

    async useWindows(times) {
      const { rollup, commits, uplinkStore } = pipeline
      const wanted = { ...windowSettings(config), ...times }
      const now = rollup.keeper.settings
      if (wanted.lengthMs === now.lengthMs && wanted.latenessMs === now.latenessMs) return
      // A stop between the two: the next start finds what was asked for and journals it.
      await saveTimes(uplinkStore, times)
      commits.append({ kind: 'settings', settings: wanted })
    },

    async flush(withinMs) {
      const { commits, checkpoints, sender, spool } = pipeline
      await commits.flush()
      await checkpoints.run(undefined, true)
      sender.fill()
      const untilMs = performance.now() + withinMs
      for (;;) {
        const { outboxMessages } = await spool.state()
        if (outboxMessages === 0 || performance.now() >= untilMs) return { outboxMessages }
        await pause(lookEveryMs)
      }
    },

    explain: (asked) => explain(pipeline, reporter, asked),

    async command(message) {
      if (!pipeline.source.publish) throw new Error('the devices are no clients of this agent: collect is not a broker')
      await pipeline.source.publish(message)
    },
  }
}
