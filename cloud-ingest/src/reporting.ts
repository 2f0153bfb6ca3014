import type { Parts } from './parts.ts'
import { Reporter } from './reporter.ts'
import { PipelineFigures } from './serve/pipeline-figures.ts'

export function createReporter(parts: Parts): Reporter {
  const { clock, log, stores, view, custody, feeders, stages } = parts
  return new Reporter({
    ...{ clock, log, stores: [...stores.values()], statuses: view.statuses },
    arrivedMs: (status) => stages.arrivedMs(status),
    accounts: () => custody.accounts(feeders.progress()),
    stages: ownStages(parts),
  })
}

function ownStages({ view, custody, feeders, link, alerting, stages }: Parts) {
  const rules = alerting.rules?.evaluator
  return stages.sources({ custody, feeders: feeders.feeders, link, rules, listeners: () => view.events.size })
}

export function createFigures(parts: Parts): PipelineFigures {
  const { clock, view, custody, feeders } = parts
  const accounts = () => custody.accounts(feeders.progress())
  return new PipelineFigures({ clock, agents: view.agents, accounts, stages: ownStages(parts) })
}
