import type { Socket } from 'node:net'
import type { Logger } from '@millrace/pipeline'
import type { Aedes } from 'aedes'
import type { BrokerRules } from './broker-rules.ts'
import type { SparingLog } from './sparing-log.ts'

export interface AedesEventsOptions {
  rules: BrokerRules
  log: Logger
  /** For what strangers can make happen as often as they like. */
  strangers: SparingLog
  /** True once the broker closes: connections then end by its own will. */
  closing(): boolean
  deny(reason: string): void
}

/** What aedes refuses before it asks the rules, by the text of its error. */
const refusals: Readonly<Record<string, string | undefined>> = {
  'unacceptable protocol version': 'protocol-version',
  'identifier rejected': 'client-id',
  'keep alive limit exceeded': 'keepalive',
  'connect did not arrive in time': 'no-connect',
}

/** Tells of what aedes says beside its questions. */
export function followAedes(aedes: Aedes, { rules, log, strangers, closing, deny }: AedesEventsOptions): void {
  // An EventEmitter without a listener for `error` ends the process.
  aedes.on(
    'error' as 'closed',
    ((error: unknown) => {
      log.warn({ error: String(error) }, 'broker error')
    }) as () => void,
  )
  // Every packet that was on its way to a client fails on its own when the client dies.
  const logged = new WeakSet<object>()
  aedes.on('clientError', (client, error) => {
    if (logged.has(client) || closing()) return
    logged.add(client)
    strangers.write('info', { client: client.id, reason: error.message }, 'connection ended')
  })
  aedes.on('connectionError', ({ conn }, error) => {
    if (closing()) return
    const reason = refusals[error.message]
    if (reason !== undefined) deny(reason)
    const address = (conn as Partial<Socket>).remoteAddress
    strangers.write('info', { address, reason: error.message }, 'connection not let in')
  })
  aedes.on('unsubscribe', (filters, client) => rules.unsubscribed(client, filters))
}
