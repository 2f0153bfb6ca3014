import { createLogger, runService, UsageError } from '@millrace/pipeline'
import { createBroker } from '@millrace/transports'

export interface BrokerFlags {
  host: string
  port: string
}

/** Between agent and ingest the broker need keep nothing: receipts end the agent's duty, and it repeats until then. */
export async function runBroker({ host, port }: BrokerFlags): Promise<never> {
  const log = createLogger({ name: 'broker' })
  return await runService({
    name: 'broker',
    async start() {
      if (!/^\d+$/.test(port) || Number(port) > 65_535) {
        throw new UsageError('the broker cannot start like this', [
          { path: '--port', found: port, expected: 'a port from 1 to 65535, or 0 for any' },
        ])
      }
      const broker = await createBroker({ host, port: Number(port), log, setting: '--port' })
      const address = await broker.listen()
      log.info(address, 'listening')
      return { stop: () => broker.close() }
    },
  })
}
