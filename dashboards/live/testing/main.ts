import { parseArgs } from 'node:util'
import { startMockServer } from './mock-server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    devices: { type: 'string', default: '12' },
    agents: { type: 'boolean', default: false },
    alerts: { type: 'boolean', default: false },
  },
})
/** One of each kind there is to see. */
const agents = [
  { site: 'lisbon-mill', agent: 'edge', restarts: 2 },
  { site: 'oslo-depot', agent: 'dock', offlineMs: 312_000, missingUpstream: 4 },
  {
    ...{ site: 'quito-lab', agent: 'bench', clock: { source: 'devices', offsetMs: 90_412, steps: 1 } },
    spool: { bytes: 1_900_000_000, bridgesDays: 0.7, outboxMessages: 480, oldestOutboxMs: Date.now() - 3_700_000 },
  },
]
const server = await startMockServer({
  port: Number(values.port),
  devices: Number(values.devices),
  alerts: values.alerts,
  ...(values.agents ? { agents } : {}),
})
process.stdout.write(`made-up data at ${server.url}\n`)
