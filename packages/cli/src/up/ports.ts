import { createServer, type Server } from 'node:net'
import { type Problem, UsageError } from '@millrace/pipeline'
import { type HubDoors, type NamedPort, portFlags, type UpPorts } from './options.ts'

const host = '127.0.0.1'

/** Holds the port if it is free, any free one for 0; undefined where another program has it. */
function holdPort(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ host, port }, () => resolve(server))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** The same ports as wanted where they are free, others elsewhere: nobody types these. */
async function holdDoors(wanted: HubDoors, held: Server[]): Promise<HubDoors> {
  const doors = { ...wanted }
  for (const name of Object.keys(doors) as (keyof HubDoors)[]) {
    const server = (await holdPort(wanted[name] ?? 0)) ?? (await holdPort(0))
    if (server) {
      held.push(server)
      doors[name] = portOf(server)
    }
  }
  return doors
}

/** Makes sure that every port can be had before anything starts; throws a UsageError that names the flags. */
export async function choosePorts(wanted: UpPorts): Promise<UpPorts> {
  const chosen = { ...wanted }
  const held: Server[] = []
  const problems: Problem[] = []
  for (const name of Object.keys(portFlags) as NamedPort[]) {
    const server = await holdPort(wanted[name])
    if (server) {
      held.push(server)
      chosen[name] = portOf(server)
    } else problems.push({ path: portFlags[name], found: `${wanted[name]}, which is taken`, expected: 'a free port' })
  }
  if (wanted.hub) chosen.hub = await holdDoors(wanted.hub, held)
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  if (problems.length === 0) return chosen
  throw new UsageError(`Another program has a port on ${host}: stop it, or name another port`, problems, {
    code: 'port-taken',
  })
}
