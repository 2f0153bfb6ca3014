import { maxOutstandingMessages } from '@millrace/contracts'
import { type Logger, systemClock } from '@millrace/pipeline'
import type { RecoveredState } from './recovery.ts'
import { Receipts } from './rolled-back.ts'
import type { AgentSpool, InheritedMessages, MessageLedger } from './spool/index.ts'
import { Sender, type Uplink } from './uplink/index.ts'

/** Who sends what is in the outbox, and who hears what became of it. */
export interface Senders {
  sender: Sender
  /** Of the messages of the spools that this one was a copy of. */
  inherited: readonly Sender[]
  receipts: Receipts
}

export interface SendersOptions extends Pick<RecoveredState, 'lineage' | 'rollup'> {
  spool: AgentSpool
  ledger: MessageLedger
  uplink: Uplink
  log: Logger
  onForked(): void
}

/** Of the messages that may be on their way, those of one spool before. */
const inheritedPlaces = 8

export function createSenders(options: SendersOptions): Senders {
  const { spool, lineage, rollup, log, onForked } = options
  const inherited = spool.inherited.map((messages) => inheritedSender(messages, options))
  const places = maxOutstandingMessages - inherited.length * inheritedPlaces
  const sender = ownSender(Math.max(inheritedPlaces, places), options)
  const receipts = new Receipts({ lineage, rollup, spool: spool.name, sender, inherited, log, onForked })
  return { sender, inherited, receipts }
}

/** Everything of a sender but where its messages are. */
function common({ uplink, log }: SendersOptions) {
  return {
    custody: uplink.custody,
    clock: systemClock,
    onError: (error: unknown) => log.warn({ error }, 'a message could not be sent or settled'),
  }
}

function ownSender(maxOutstanding: number, options: SendersOptions): Sender {
  const { spool, ledger, uplink } = options
  return new Sender({
    ...common(options),
    ...{ spool: spool.name, maxOutstanding },
    newest: (limit, exclude) => spool.newest(limit, exclude),
    publish: ({ bytes, ...message }, withdrawn) => uplink.send({ ...message, body: bytes }, withdrawn),
    async settle(site, receipt) {
      const { statements, done } = ledger.receipted(site, receipt)
      await spool.settle(site, receipt, statements)
      done()
    },
  })
}

function inheritedSender({ spool: name, outbox }: InheritedMessages, options: SendersOptions): Sender {
  const { spool, uplink } = options
  return new Sender({
    ...common(options),
    ...{ spool: name, maxOutstanding: inheritedPlaces },
    newest: (limit, exclude) => spool.newestOf(outbox, { limit, exclude }),
    publish: ({ bytes, ...message }, withdrawn) => uplink.send({ ...message, spool: name, body: bytes }, withdrawn),
    settle: (site, { upTo, ranges }) => spool.file.write(outbox.settle(site, upTo, ranges), { reserve: true }),
  })
}
