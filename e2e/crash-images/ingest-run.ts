import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../edge-agent/src/testing/fixture.ts'
import { createBroker } from '../../packages/transports/src/index.ts'
import { HandAgents, type IssuedBody } from './hand-agents.ts'
import { factsFile, live, type RunOptions } from './lives.ts'

/** What the ingest was sent. */
export interface IngestFacts {
  issued: IssuedBody[]
}

const main = fileURLToPath(new URL('../../cloud-ingest/src/main.ts', import.meta.url))

export const ingestDataDir = 'watched/var/ingest'

/** Runs the real ingest under strace with agents before it. */
export async function runIngest(options: RunOptions): Promise<void> {
  const { folder, seed } = options
  const broker = await createBroker({ host: '127.0.0.1', port: 0 })
  const { port } = await broker.listen()
  const httpPort = await freePort()
  const configFile = join(folder, 'ingest.json')
  mkdirSync(join(folder, 'watched'))
  const config = {
    dataDir: join(folder, ingestDataDir),
    collect: { type: 'mqtt', url: `mqtt://127.0.0.1:${port}` },
    stores: [{ type: 'duckdb' }],
    http: { port: httpPort },
    log: { level: 'warn' },
  }
  writeFileSync(configFile, JSON.stringify(config))
  const agents = new HandAgents(3, seed)
  try {
    await live(options, {
      ...{ program: main, configFile, upUrl: `http://127.0.0.1:${httpPort}/healthz` },
      begun: () => agents.start(port),
      told: () => `${agents.issued.length} messages sent, ${agents.outstanding} without a receipt`,
    })
  } finally {
    await agents.stop()
    await broker.close()
  }
  const facts: IngestFacts = { issued: agents.issued }
  writeFileSync(factsFile(folder), JSON.stringify(facts))
}
