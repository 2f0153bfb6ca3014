import type { Receipt } from '@millrace/contracts'
import type { Clock, Logger } from '@millrace/pipeline'
import { totalAccounts } from './accounts.ts'
import type { RecoveredState } from './recovery.ts'
import { type AgentSpool, beginAnew, type Fork } from './spool/index.ts'
import type { Sender } from './uplink/index.ts'

export interface ReceiptsOptions extends Pick<RecoveredState, 'lineage' | 'rollup'> {
  /** Name of the spool. */
  spool: string
  sender: Sender
  /** Of the spools that this one was a copy of. */
  inherited: readonly Sender[]
  log: Logger
  /** The spool is a copy of one that went on without it: the agent must stop and begin anew. */
  onForked(): void
}

/** Receipts on their way to who waits for them, once it is known whose numbers they name. */
export class Receipts {
  readonly #options: ReceiptsOptions
  #fork: Fork | undefined

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  /** Set once the spool was recognised as a copy. */
  get fork(): Fork | undefined {
    return this.#fork
  }

  take(site: string, receipt: Receipt): void {
    const { lineage, spool, sender, inherited, rollup, log } = this.#options
    for (const one of inherited) one.receipt(site, receipt)
    if (receipt.spool !== spool || this.#fork) return
    const { settles, confirms, doubts, fork } = lineage.judge(site, receipt, rollup.newestMade(site))
    if (settles) sender.receipt(site, receipt)
    if (confirms) this.confirm()
    if (doubts) this.#doubt(site, receipt)
    if (!fork) return
    this.#fork = fork
    log.error({ spool, site, receipt }, 'the ingest has messages of this spool that were not made here: this is a copy')
    this.#options.onForked()
  }

  /** To be called too where only acknowledgements come back, which tell nothing. */
  confirm(): void {
    const { lineage, sender, log } = this.#options
    lineage.confirm().then(
      () => sender.fill(),
      (error: unknown) =>
        log.error({ error }, 'could not note that the spool is no copy: asked again at the next status'),
    )
  }

  /** The next status asks. */
  #doubt(site: string, receipt: Receipt): void {
    const { lineage, rollup, spool, log } = this.#options
    log.warn(
      { spool, site, receipt },
      'a receipt names messages that were not made here: asking whether this is a copy',
    )
    const { accepted, open } = totalAccounts(rollup.keeper)
    lineage.doubt(rollup.newestNumbers(), { accepted, open }).catch((error: unknown) => {
      log.error({ error }, 'could not note that the spool may be a copy: the next such receipt asks again')
    })
  }
}

/** To be called when nothing more is journaled, before the spool is closed. */
export async function beginAnewIfForked(
  {
    receipts,
    lineage,
    rollup,
    spool,
  }: Pick<RecoveredState, 'lineage' | 'rollup'> & { receipts: Receipts; spool: AgentSpool },
  clock: Clock,
): Promise<void> {
  if (!receipts.fork) return
  const { before } = lineage
  const accepted = totalAccounts(rollup.keeper).accepted - before.accepted
  const about = { atMs: clock.now(), accepted, ofFirstLife: before.open }
  await beginAnew(spool.file, { firstStart: receipts.fork.firstStart, about })
}
