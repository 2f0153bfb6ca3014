import type { Clock, Logger, Meters } from '@millrace/pipeline'
import type { Alerting } from './alerting.ts'
import type { CloudLink } from './cloud-link.ts'
import type { ReceiptBox } from './collect/receipt-box.ts'
import type { IngestConfig } from './config.ts'
import type { LiveFeed } from './live-feed.ts'
import type { OwnStages } from './own-stages.ts'
import type { LiveView } from './serve/live-view.ts'
import type { Custody } from './spool/index.ts'
import type { Feeders } from './store/feeders.ts'
import type { Store } from './stored.ts'

/** What the ingest is made of, once it is put together. */
export interface Parts {
  config: IngestConfig
  clock: Clock
  log: Logger
  meters: Meters
  view: LiveView
  stores: ReadonlyMap<string, Store>
  custody: Custody
  link: CloudLink
  receipts: ReceiptBox
  feeders: Feeders
  feeds: readonly LiveFeed[]
  alerting: Alerting
  stages: OwnStages
}
