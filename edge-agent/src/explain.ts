import type { AgentExplanation } from '@millrace/contracts'
import { explainWindow } from './explain-window.ts'
import type { Pipeline } from './pipeline.ts'
import type { StatusReporter } from './status-reporter.ts'

export interface Asked {
  site: string
  device: string
  metric?: string
  /** Any moment in the window, epoch ms. */
  start?: number
}

/**
 * What the agent knows of a device, a series, or one window of it; undefined where it has not heard of the device. A
 * checkpoint is made first, so that whatever has closed is told with its message.
 */
export async function explain(
  pipeline: Pipeline,
  reporter: StatusReporter,
  asked: Asked,
): Promise<AgentExplanation | undefined> {
  const found = (await reporter.devices()).find(({ site, device }) => site === asked.site && device === asked.device)
  if (!found) return undefined
  const { names, rollup, time, head } = pipeline
  const device = names.device(asked.site, asked.device)
  const arrivedMs = rollup.keeper.device(device)?.lastArrivalMonotonicMs ?? Number.NaN
  const lastArrivalMs = rollup.keeper.timeAt(arrivedMs)
  return {
    ...found,
    ...head,
    settingsHash: reporter.settingsHash,
    nowMs: time.now() ?? null,
    lastArrivalMs: Number.isFinite(lastArrivalMs) ? Math.round(lastArrivalMs) : null,
    ...(await ofSeries(pipeline, device, asked)),
  }
}

async function ofSeries(
  pipeline: Pipeline,
  device: number,
  { site, device: deviceName, metric, start }: Asked,
): Promise<Pick<AgentExplanation, 'series' | 'window'>> {
  if (metric === undefined) return {}
  const { names, rollup } = pipeline
  const series = names.knownSeries(device, metric)
  if (series === undefined) return { series: null }
  const open = [...rollup.keeper.openWindows()].filter((window) => window.series === series)
  const told = {
    metric,
    unit: names.unitOf(series),
    kind: names.kindOf(series),
    openWindows: open.map((window) => {
      const { lengthMs, rows, late } = window
      return { start: window.start, lengthMs, readings: rows.length, late }
    }),
  }
  if (start === undefined) return { series: told }
  return { series: told, window: await explainWindow(pipeline, { site, device, deviceName, series, moment: start }) }
}
