import type { FastifyRequest } from 'fastify'
import { HubError } from '../../hub-error.ts'
import type { HubCore, Permission } from '../../types.ts'

/** What a request may do needs one of these permissions. */
export interface RouteConfig {
  anyOf: readonly Permission[]
}

declare module 'fastify' {
  interface FastifyContextConfig extends Partial<RouteConfig> {}
}

export const reading = { config: { anyOf: ['registryRead'] } satisfies RouteConfig }
export const writing = { config: { anyOf: ['registryWrite'] } satisfies RouteConfig }
export const serving = { config: { anyOf: ['serviceConnect'] } satisfies RouteConfig }

export function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id
}

/** The etag a change is bound to: undefined for any, or for none given. */
export function ifMatchOf(request: FastifyRequest): string | undefined {
  const bare = request.headers['if-match']?.replace(/^W\//, '').replace(/^"(.*)"$/, '$1')
  return bare === undefined || bare === '*' || bare === '' ? undefined : bare
}

export function knownDevice(core: Pick<HubCore, 'registry'>, deviceId: string) {
  const device = core.registry.get(deviceId)
  if (!device) throw new HubError('DeviceNotFound', `Device ${deviceId} not registered`)
  return device
}
