import type { Parts } from './parts.ts'
import { Reporter } from './reporter.ts'
import { PipelineFigures } from './serve/pipeline-figures.ts'

export function createReporter({ clock, log, stores, view, custody, feeders, link, stages }: Parts): Reporter {
  return new Reporter({
    ...{ clock, log, stores: [...stores.values()], statuses: view.statuses },
    arrivedMs: (status) => stages.arrivedMs(status),
    accounts: () => custody.accounts(feeders.progress()),
    stages: ownStages({ view, custody, feeders, link, stages }),
  })
}

function ownStages({
  view,
  custody,
  feeders,
  link,
  stages,
}: Pick<Parts, 'view' | 'custody' | 'feeders' | 'link' | 'stages'>) {
  return stages.sources({ custody, feeders: feeders.feeders, link, listeners: () => view.events.size })
}

export function createFigures(parts: Parts): PipelineFigures {
  const { clock, view, custody, feeders } = parts
  const accounts = () => custody.accounts(feeders.progress())
  return new PipelineFigures({ clock, agents: view.agents, accounts, stages: ownStages(parts) })
}
