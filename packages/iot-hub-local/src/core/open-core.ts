import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Clock, type Logger, silentLogger, systemClock, UsageError } from '@millrace/pipeline'
import { openSpool, type Spool } from '@millrace/spool'
import type { HubCore } from '../types.ts'
import { serverCertificate } from './certificates.ts'
import { DiskCommands } from './commands.ts'
import { DiskLogs } from './event-logs.ts'
import { type GroupCommit, groupCommit } from './group-commit.ts'
import { Links } from './links.ts'
import { policies } from './policies.ts'
import { DiskRegistry } from './registry.ts'
import { keepHouse } from './retention.ts'
import { application, schema, version } from './schema.ts'
import { Sessions } from './sessions.ts'
import { DiskTwins } from './twins.ts'

const oneDayMs = 24 * 3_600_000
const oneGiB = 1024 * 1024 * 1024
const minPartitions = 2
const maxPartitions = 8

export interface CoreOptions {
  dataDir: string
  /** Of the hub and of its built-in endpoint. Default `millrace`. */
  name?: string
  /**
   * Names besides localhost, its addresses and this machine's that clients use, part of the certificate. The first is
   * the one of connection strings and of provisioning, else localhost is.
   */
  hostNames?: readonly string[]
  /** Of the built-in endpoint, 2 to 8, fixed with the data folder. Default 4. */
  partitions?: number
  /** Those beside $Default, of every event hub; any name is taken unless set. */
  consumerGroups?: readonly string[]
  /** How long events are kept. Default one day. */
  retentionMs?: number
  /** Of the file; when it is used up telemetry is refused until retention makes room. Default 2 GiB. */
  maxBytes?: number
  clock?: Clock
  log?: Logger
}

/** The core with what only the device side needs. */
export interface Core extends HubCore {
  readonly links: Links
  readonly commands: DiskCommands
  readonly sessions: Sessions
  readonly spool: Spool
  readonly commit: GroupCommit
}

function checkPartitions(partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= minPartitions && partitions <= maxPartitions) return
  const problem = { path: 'partitions', found: String(partitions), expected: `${minPartitions} to ${maxPartitions}` }
  throw new UsageError('the local hub cannot have that many partitions', [problem])
}

function openFile(dataDir: string, maxBytes: number): Promise<Spool> {
  const reserveBytes = Math.min(64 * 1024 * 1024, maxBytes / 8)
  return openSpool({ folder: dataDir, application, version, schema, maxBytes, reserveBytes })
}

async function openState(
  spool: Spool,
  { clock, builtIn }: { clock: Clock; builtIn: { name: string; partitions: number } },
) {
  const commit = groupCommit(spool)
  const links = new Links(clock)
  const events = await DiskLogs.open({ spool, clock, builtIn })
  const sessions = await Sessions.open(spool, commit)
  const registry: DiskRegistry = await DiskRegistry.open(spool, {
    commit,
    clock,
    onRevoked: (deviceId, reason) => links.disconnect(deviceId, reason),
    onRemoved: (deviceId) => {
      twins.forget(deviceId)
      commands.purge(deviceId).catch(() => undefined)
      sessions.drop(deviceId).catch(() => undefined)
    },
  })
  const twins: DiskTwins = await DiskTwins.open(spool, {
    commit,
    clock,
    exists: (deviceId) => registry.get(deviceId) !== undefined,
    onDesired: (deviceId, patch, number) => links.get(deviceId)?.desiredChanged(patch, number),
  })
  const commands: DiskCommands = await DiskCommands.open(spool, {
    commit,
    clock,
    device: (deviceId) => registry.get(deviceId),
    onWaiting: (deviceId) => links.get(deviceId)?.commandsWaiting(),
  })
  return { commit, links, events, sessions, registry, twins, commands }
}

function groupsOf({ consumerGroups }: CoreOptions): Pick<HubCore, 'consumerGroups'> {
  if (consumerGroups === undefined) return {}
  return { consumerGroups: new Set(['$Default', ...consumerGroups].map((name) => name.toLowerCase())) }
}

/** Opens the data folder of a hub, with nobody at its doors yet. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { dataDir, name = 'millrace', partitions = 4, retentionMs = oneDayMs, maxBytes = 2 * oneGiB } = options
  const { clock = systemClock, log = silentLogger } = options
  checkPartitions(partitions)
  const spool = await openFile(dataDir, maxBytes)
  try {
    const state = await openState(spool, { clock, builtIn: { name, partitions } })
    const names = ['localhost', '127.0.0.1', '::1', hostname(), ...(options.hostNames ?? [])]
    const folder = join(dataDir, 'certificates')
    const certificate = serverCertificate({ folder, names, nowMs: clock.now() })
    const house = keepHouse({ ...state, clock, log, retentionMs })
    return {
      ...state,
      name: state.events.builtIn.name,
      hostNames: [...names, `${name}.azure-devices.net`].map((host) => host.toLowerCase()),
      clock,
      log,
      spool,
      policies: await policies(spool),
      ...groupsOf(options),
      certificate,
      async close() {
        await house.stop()
        await spool.close()
      },
    }
  } catch (error) {
    await spool.close()
    throw error
  }
}
