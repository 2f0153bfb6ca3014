import type { Clock } from '@millrace/pipeline'
import type { TransportContext } from '@millrace/transports'

/** What every collector is created with. */
export interface CollectContext extends TransportContext {
  /** Of the agent: the site of devices that name none. */
  site: string
  /** Folder of the spool, in which a collector may keep a folder of its own. */
  dataDir: string
  clock: Clock
  /** Marks of earlier deliveries (see `Delivery.marks`) whose key begins with the prefix. */
  loadMarks(prefix: string): Promise<ReadonlyMap<string, Uint8Array>>
}
