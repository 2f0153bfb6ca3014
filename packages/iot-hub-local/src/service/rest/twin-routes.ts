import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { HubError } from '../../hub-error.ts'
import type { HubCore, Json, MethodCall, Twin } from '../../types.ts'
import { idOf, ifMatchOf, knownDevice, serving } from './routes.ts'
import { twinBody, twinPatchOf } from './twin-body.ts'

const maxPayloadBytes = 128 * 1024
const maxSeconds = 300

const callSchema = z.object({
  methodName: z.string().min(1).max(100),
  payload: z.unknown().optional(),
  responseTimeoutInSeconds: z.number().min(5).max(maxSeconds).default(30),
  connectTimeoutInSeconds: z.number().min(0).max(maxSeconds).default(0),
})

function sendTwin(core: HubCore, reply: FastifyReply, twin: Twin) {
  reply.header('etag', `"${twin.etag}"`)
  return twinBody(core, twin)
}

function knownTwin(core: HubCore, deviceId: string): Twin {
  knownDevice(core, deviceId)
  return core.twins.get(deviceId)!
}

export function serveTwins(app: FastifyInstance, core: HubCore): void {
  app.get('/twins/:id', serving, async (request, reply) => sendTwin(core, reply, knownTwin(core, idOf(request))))
  app.patch('/twins/:id', serving, async (request, reply) => {
    const { deviceId } = knownDevice(core, idOf(request))
    return sendTwin(core, reply, await core.twins.patch(deviceId, twinPatchOf(request.body), ifMatchOf(request)))
  })
  app.put('/twins/:id', serving, async (request, reply) => {
    const { deviceId } = knownDevice(core, idOf(request))
    return sendTwin(core, reply, await core.twins.replace(deviceId, twinPatchOf(request.body), ifMatchOf(request)))
  })
}

function callOf(body: unknown): MethodCall {
  const parsed = callSchema.safeParse(body)
  if (!parsed.success) throw new HubError('ArgumentInvalid', z.prettifyError(parsed.error).replaceAll('\n', ' '))
  const { methodName, payload, responseTimeoutInSeconds, connectTimeoutInSeconds } = parsed.data
  if (Buffer.byteLength(JSON.stringify(payload ?? null)) > maxPayloadBytes) {
    throw new HubError('MessageTooLarge', 'the payload of a method is at most 128 KB')
  }
  return {
    name: methodName,
    payload: payload as Json | undefined,
    responseTimeoutMs: responseTimeoutInSeconds * 1000,
    connectTimeoutMs: connectTimeoutInSeconds * 1000,
  }
}

export function serveMethods(app: FastifyInstance, core: HubCore): void {
  app.post('/twins/:id/methods', serving, async (request) => {
    const { deviceId } = knownDevice(core, idOf(request))
    return core.links.callMethod(deviceId, callOf(request.body))
  })
}
