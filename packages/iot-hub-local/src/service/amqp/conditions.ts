import { HubError, type HubErrorName } from '../../hub-error.ts'
import type { AmqpError } from './rhea.ts'

const conditions: Partial<Record<HubErrorName, string>> = {
  ArgumentInvalid: 'com.microsoft:argument-error',
  UnauthorizedAccess: 'amqp:unauthorized-access',
  DeviceNotFound: 'amqp:not-found',
  DeviceMaximumQueueDepthExceeded: 'amqp:resource-limit-exceeded',
  IotHubQuotaExceeded: 'com.microsoft:quota-exceeded',
  MessageTooLarge: 'amqp:link:message-size-exceeded',
  PreconditionFailed: 'com.microsoft:precondition-failed',
  ThrottlingException: 'com.microsoft:server-busy',
  ServiceUnavailable: 'com.microsoft:server-busy',
}

export function refusal(condition: string, description: string): AmqpError {
  return { condition, description }
}

/** A failure as AMQP says it, such that the SDKs throw the error that the real hub would make them throw. */
export function amqpError(error: unknown): AmqpError {
  const description = error instanceof Error ? error.message : String(error)
  const known = error instanceof HubError ? conditions[error.errorName] : undefined
  return refusal(known ?? 'amqp:internal-error', description)
}

export function notFound(address: string | undefined): AmqpError {
  return refusal('amqp:not-found', `The messaging entity '${address ?? ''}' could not be found.`)
}
