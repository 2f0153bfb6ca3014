import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../edge-agent/src/testing/fixture.ts'
import { FarSide, type GivenReceipt } from './far-side.ts'
import { factsFile, live, type RunOptions } from './lives.ts'
import { type IssuedMessage, NumberedDevices } from './numbered-devices.ts'

/** What the agent was given and told, to be compared with what an image holds. */
export interface AgentFacts {
  issued: IssuedMessage[]
  arrived: { site: string; seq: number; atMs: number; body: string }[]
  receipts: GivenReceipt[]
  conflicts: string[]
}

const main = fileURLToPath(new URL('../../edge-agent/src/main.ts', import.meta.url))

/** Below folders that the agent must make itself. */
export const agentDataDir = 'watched/var/agent'

function agentConfig(folder: string, ports: { mqtt: number; cloud: number; http: number }) {
  return {
    ...{ agent: 'edge-1', site: 'hall', dataDir: join(folder, agentDataDir) },
    collect: { type: 'broker', port: ports.mqtt },
    windows: { length: '10s', lateness: '2s', idle: '1h' },
    spool: { commit: '5ms', maxBytes: '32MiB' },
    uplink: { type: 'mqtt', url: `mqtt://127.0.0.1:${ports.cloud}` },
    http: { port: ports.http },
    log: { level: 'warn' },
  }
}

/** Runs the real agent under strace with devices before it and receipts behind it. */
export async function runAgent(options: RunOptions): Promise<void> {
  const { folder, seed } = options
  const far = await new FarSide(seed).start()
  const ports = { mqtt: await freePort(), http: await freePort(), cloud: far.port }
  const configFile = join(folder, 'agent.json')
  mkdirSync(join(folder, 'watched'))
  writeFileSync(configFile, JSON.stringify(agentConfig(folder, ports)))
  const devices = new NumberedDevices({ port: ports.mqtt, devices: 8, pauseMs: 90, seed })
  try {
    await live(options, {
      ...{ program: main, configFile, upUrl: `http://127.0.0.1:${ports.http}/readyz` },
      begun: () => devices.start(),
      told: () => `${devices.acknowledged} messages acknowledged, ${far.arrived.length} sent on`,
    })
  } finally {
    await devices.stop()
    await far.stop()
  }
  const arrived = far.arrived.map(({ site, seq, atMs, bytes }) => ({ site, seq, atMs, body: bytes.toString('utf8') }))
  const facts: AgentFacts = { issued: devices.issued, arrived, receipts: far.receipts, conflicts: far.conflicts }
  writeFileSync(factsFile(folder), JSON.stringify(facts))
}
