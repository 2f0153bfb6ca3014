import type { Clock, Logger } from '@millrace/pipeline'

export interface StoreContext {
  dataDir: string
  clock: Clock
  log: Logger
}
