import { pause } from '@millrace/pipeline'
import { type AgentConfig, windowSettings } from './config.ts'
import type { Pipeline } from './pipeline.ts'
import type { StatusReporter } from './status-reporter.ts'
import type { Remote, SeriesName } from './uplink/index.ts'
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

    async explain(name) {
      const found = (await reporter.devices()).find(({ site, device }) => site === name.site && device === name.device)
      return found && { ...found, ...(name.metric === undefined ? {} : { series: seriesOf(pipeline, name) }) }
    },

    async command(message) {
      if (!pipeline.source.publish) throw new Error('the devices are no clients of this agent: collect is not a broker')
      await pipeline.source.publish(message)
    },
  }
}

/** What of a series is in open windows; null where it was never heard of. */
function seriesOf({ names, rollup }: Pipeline, { site, device, metric = '' }: SeriesName) {
  const series = names.knownSeries(names.device(site, device), metric)
  if (series === undefined) return null
  const open = [...rollup.keeper.openWindows()].filter((window) => window.series === series)
  return {
    metric,
    unit: names.unitOf(series),
    kind: names.kindOf(series),
    openWindows: open.map(({ start, lengthMs, rows, late }) => ({ start, lengthMs, readings: rows.length, late })),
  }
}
