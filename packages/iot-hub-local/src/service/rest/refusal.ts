import { randomUUID } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { HubError } from '../../hub-error.ts'

/** Names that REST gives to errors that have another one elsewhere. */
const restNames: Record<string, string> = {
  UnauthorizedAccess: 'IotHubUnauthorizedAccess',
  GatewayTimeout: 'GatewayTimeout',
  MalformedTwin: 'ArgumentInvalid',
}

export interface Refusal {
  status: number
  /** Name of the error, such as `DeviceNotFound`. */
  code: string
  message: string
}

export function refusalOf(error: HubError): Refusal {
  return { status: error.status, code: restNames[error.errorName] ?? error.errorName, message: error.message }
}

/** The error body of IoT Hub. Its SDKs cut the text at semicolons, so the message has none. */
export function sendRefusal(reply: FastifyReply, { status, code, message }: Refusal): FastifyReply {
  const Message = `ErrorCode:${code};${message.replaceAll(';', ',')}`
  const tracking = randomUUID().replaceAll('-', '')
  const ExceptionMessage = `Tracking ID:${tracking}-TimeStamp:${new Date().toISOString()}`
  return reply.code(status).header('iothub-errorcode', code).send({ Message, ExceptionMessage })
}

/** Every way in which a request can fail, as a refusal; undefined for what is our own fault. */
export function refusalFor(error: unknown): Refusal | undefined {
  if (error instanceof HubError) return refusalOf(error)
  const status = (error as { statusCode?: number }).statusCode
  // What overflows the stack is nested beyond any use.
  if (status === undefined && error instanceof RangeError) {
    return { status: 400, code: 'ArgumentInvalid', message: 'nested too deep' }
  }
  if (status === undefined || status >= 500) return undefined
  return { status, code: status === 413 ? 'MessageTooLarge' : 'ArgumentInvalid', message: (error as Error).message }
}
