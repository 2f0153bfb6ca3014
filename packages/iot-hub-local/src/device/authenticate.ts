import type { IConnectPacket } from 'mqtt-packet'
import type { Core } from '../core/open-core.ts'
import { resourceCovers, type TokenVerdict, verifyToken } from '../sas.ts'
import type { Device } from '../types.ts'

export interface Peer {
  address: string
  /** SHA-1 and SHA-256 of the client certificate in upper-case hex; empty without one. */
  thumbprints: readonly string[]
}

export type Authentication =
  | { ok: true; device: Device; expiresMs: number }
  | { ok: false; deviceId: string; reason: string }

type TokenFault = Extract<TokenVerdict, { ok: false }>['reason']

/** For the log of whoever runs the hub: what to look at. */
export const tokenFaults: Record<TokenFault, string> = {
  malformed: 'the password is no shared access signature',
  'wrong-resource': 'the token is for another host or device: look at HostName and DeviceId',
  'unknown-policy': 'the token names a policy that does not exist or may not connect devices',
  'wrong-signature': 'the signature fits neither key of the device: look at SharedAccessKey',
  expired: 'the token has expired: look at the clock of the device',
}

function parseUsername(username: string | undefined): { host: string; deviceId: string } | undefined {
  const match = /^([^/]+)\/([^/]+)\/\?(.*)$/.exec(username ?? '')
  if (!match || !/(^|&)api-version=[^&]+/.test(match[3]!)) return undefined
  return { host: match[1]!, deviceId: match[2]! }
}

function verify(core: Core, device: Device, password: string): TokenVerdict {
  const path = `/devices/${device.deviceId}`
  const deviceKeys = device.authentication.type === 'sas' ? Object.values(device.authentication.symmetricKey) : []
  return verifyToken(password, {
    nowMs: core.clock.now(),
    covers: (resource) => resourceCovers(resource, core.hostNames, path),
    keys(name) {
      if (name === undefined) return deviceKeys
      const policy = core.policies.find((candidate) => candidate.name === name)
      return policy?.permissions.includes('deviceConnect') ? [policy.primaryKey, policy.secondaryKey] : []
    },
  })
}

function byCertificate(device: Device, { thumbprints }: Peer): boolean {
  if (device.authentication.type !== 'selfSigned') return false
  return Object.values(device.authentication.x509Thumbprint).some((known) => thumbprints.includes(known))
}

function checkDevice(core: Core, device: Device, packet: IConnectPacket & { peer: Peer }): Authentication {
  const refuse = (reason: string): Authentication => ({ ok: false, deviceId: device.deviceId, reason })
  const password = packet.password?.toString() ?? ''
  if (device.status === 'disabled') return refuse('the device is disabled')
  if (password === '') {
    const accepted = byCertificate(device, packet.peer)
    if (accepted) return { ok: true, device, expiresMs: Number.POSITIVE_INFINITY }
    return refuse('no token, and no client certificate with a thumbprint of the device')
  }
  const verdict = verify(core, device, password)
  if (!verdict.ok) return refuse(tokenFaults[verdict.reason])
  return { ok: true, device, expiresMs: verdict.expiresMs }
}

/** Whose connection this is. The device learns only that it is not authorized; the reason is for the hub's log. */
export function authenticate(core: Core, packet: IConnectPacket & { peer: Peer }): Authentication {
  const user = parseUsername(packet.username)
  const refuse = (reason: string): Authentication => ({ ok: false, deviceId: packet.clientId, reason })
  if (!user) return refuse('the username is not {host}/{deviceId}/?api-version=...')
  if (!resourceCovers(user.host, core.hostNames, '/')) return refuse(`the hub is not called ${user.host}`)
  if (user.deviceId !== packet.clientId) return refuse('the client id is not the device id of the username')
  const device = core.registry.get(user.deviceId)
  if (!device) return refuse('there is no such device')
  return checkDevice(core, device, packet)
}
