import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HubCore } from '../../types.ts'
import { runBulk } from './bulk.ts'
import { deviceBody, newDeviceOf } from './device-body.ts'
import { idOf, ifMatchOf, knownDevice, reading, serving, writing } from './routes.ts'

const defaultTop = 1000

async function putDevice(core: HubCore, request: FastifyRequest, reply: FastifyReply) {
  const id = idOf(request)
  const isUpdate = request.headers['if-match'] !== undefined
  const wanted = newDeviceOf(id, request.body, isUpdate ? core.registry.get(id) : undefined)
  const device = await (isUpdate ? core.registry.update(wanted, ifMatchOf(request)) : core.registry.create(wanted))
  reply.header('etag', `"${device.etag}"`)
  return deviceBody(core, device)
}

/** The identity registry. */
export function serveDevices(app: FastifyInstance, core: HubCore): void {
  const list = async (request: FastifyRequest) => {
    const top = Number((request.query as { top?: string }).top) || defaultTop
    return core.registry
      .list()
      .slice(0, top)
      .map((device) => deviceBody(core, device))
  }
  app.get('/devices', reading, list)
  app.get('/devices/', reading, list)
  app.get('/devices/:id', reading, async (request, reply) => {
    const device = knownDevice(core, idOf(request))
    reply.header('etag', `"${device.etag}"`)
    return deviceBody(core, device)
  })
  app.put('/devices/:id', writing, (request, reply) => putDevice(core, request, reply))
  app.delete('/devices/:id', writing, async (request, reply) => {
    await core.registry.remove(idOf(request), ifMatchOf(request))
    return reply.code(204).send()
  })
  app.post('/devices', writing, async (request, reply) => {
    const result = await runBulk(core.registry, request.body)
    return reply.code(result.isSuccessful ? 200 : 400).send(result)
  })
  app.delete('/devices/:id/commands', serving, async (request) => {
    const { deviceId } = knownDevice(core, idOf(request))
    return { deviceId, moduleId: null, totalMessagesPurged: await core.commands.purge(deviceId) }
  })
}

export function serveStatistics(app: FastifyInstance, core: HubCore): void {
  app.get('/statistics/devices', reading, async () => {
    const devices = core.registry.list()
    const enabledDeviceCount = devices.filter(({ status }) => status === 'enabled').length
    const totalDeviceCount = devices.length
    return { totalDeviceCount, enabledDeviceCount, disabledDeviceCount: totalDeviceCount - enabledDeviceCount }
  })
  app.get('/statistics/service', serving, async () => ({ connectedDeviceCount: core.links.count() }))
}
