import { createServer } from 'node:net'
import { type HubPorts, type LocalHub, startLocalHub } from '@millrace/iot-hub-local'
import { createLogger, MillraceError, runService } from '@millrace/pipeline'
import { writeConnectionFolder } from '@millrace/transports'
import { type HubFlags, type HubPlan, readHubFlags } from '../hub/options.ts'
import { hubText, sdkPort } from '../hub/screen.ts'

const otherPort = 8443

/** Whether this user may open the port, and nobody else has. */
async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, host, () => resolve(true))
  })
  if (listening) await new Promise((resolve) => server.close(resolve))
  return listening
}

async function portsOf({ options, httpsPort }: HubPlan): Promise<Partial<HubPorts>> {
  if (httpsPort !== undefined) return { ...options.ports, https: httpsPort }
  const free = await isFree(options.host ?? '127.0.0.1', sdkPort)
  return { ...options.ports, https: free ? sdkPort : otherPort }
}

async function deviceStrings(hub: LocalHub, ids: readonly string[]): Promise<Map<string, string>> {
  const strings = new Map<string, string>()
  for (const id of ids) strings.set(id, await hub.deviceConnectionString(id))
  return strings
}

/** For programs: connection strings in files that nobody else may read, and none of them in a log. */
function leaveConnections(folder: string, hub: LocalHub, devices: ReadonlyMap<string, string>): void {
  const { core, connectionStrings, ports } = hub
  const { eventHub, iothubowner: service } = connectionStrings
  const doors = { gateway: `localhost:${ports.mqtt}`, https: ports.https }
  writeConnectionFolder(folder, { authority: core.certificate.ca, eventHub, service, devices, doors })
}

/** Who has no config file is told of no setting in one. */
function nameTheFolder(error: unknown): never {
  if (!(error instanceof MillraceError) || error.code !== 'spool-locked') throw error
  const hint = 'Stop that process, or name another folder with --data-dir.'
  throw new MillraceError(error.code, error.message, { cause: error, hint })
}

/** Runs the local hub in the foreground; connection strings go to standard output, what happens to standard error. */
export async function runHub(flags: HubFlags): Promise<never> {
  const log = createLogger({ name: 'hub', pretty: process.stderr.isTTY })
  return await runService({
    name: 'hub',
    async start() {
      const plan = readHubFlags(flags)
      const hub = await startLocalHub({ ...plan.options, ports: await portsOf(plan), log }).catch(nameTheFolder)
      try {
        const devices = await deviceStrings(hub, plan.devices)
        if (flags.connections === undefined) process.stdout.write(hubText({ hub, dataDir: flags.dataDir, devices }))
        else {
          leaveConnections(flags.connections, hub, devices)
          log.info({ ...hub.ports }, 'listening')
        }
      } catch (error) {
        await hub.stop()
        throw error
      }
      return { stop: () => hub.stop() }
    },
  })
}
