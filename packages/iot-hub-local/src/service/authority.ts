import { timingSafeEqual } from 'node:crypto'
import { hostOf, resourceCovers, verifyToken } from '../sas.ts'
import type { HubCore, Permission } from '../types.ts'

export interface Grant {
  /** As signed, decoded; covers itself and everything below. */
  resource: string
  permissions: readonly Permission[]
  expiresMs: number
}

export type Judgement = { ok: true; grant: Grant } | { ok: false; reason: string }

const reasons = {
  malformed: 'the token is not a shared access signature',
  'wrong-resource': 'the token was made for another host: the connection string must name this hub',
  'unknown-policy': 'the token names no shared access policy of this hub',
  'wrong-signature': 'the signature is wrong: look at SharedAccessKeyName and SharedAccessKey',
  expired: 'the token has expired',
} as const

/** SDKs of IoT Hub sign with the bytes that a key spells in base64, those of Event Hubs with the text of the key. */
function asText(key: string): string {
  return Buffer.from(key).toString('base64')
}

type PolicyCore = Pick<HubCore, 'policies' | 'hostNames' | 'clock'>

/** Judges tokens and passwords of shared access policies, for both doors of the service side. */
export class Authority {
  readonly #core: PolicyCore

  constructor(core: PolicyCore) {
    this.#core = core
  }

  now(): number {
    return this.#core.clock.now()
  }

  judge(token: string): Judgement {
    let resource = ''
    const verdict = verifyToken(token, {
      covers: (claimed) => {
        resource = claimed
        return this.#core.hostNames.includes(hostOf(claimed))
      },
      keys: (name) => this.#keysOf(name).flatMap((key) => [key, asText(key)]),
      nowMs: this.now(),
    })
    if (!verdict.ok) return { ok: false, reason: reasons[verdict.reason] }
    const permissions = this.#policy(verdict.policy)?.permissions ?? []
    return { ok: true, grant: { resource, permissions, expiresMs: verdict.expiresMs } }
  }

  /** What someone may do who knows a policy's name and key. */
  login(name: string, key: string): readonly Permission[] | undefined {
    const given = Buffer.from(key)
    const fits = this.#keysOf(name).some((known) => {
      const expected = Buffer.from(known)
      return expected.length === given.length && timingSafeEqual(expected, given)
    })
    return fits ? this.#policy(name)?.permissions : undefined
  }

  covers({ resource }: Grant, path: string): boolean {
    return resourceCovers(resource.toLowerCase(), this.#core.hostNames, path.toLowerCase())
  }

  #policy(name: string | undefined) {
    return this.#core.policies.find((policy) => policy.name === name)
  }

  #keysOf(name: string | undefined): readonly string[] {
    const policy = this.#policy(name)
    return policy ? [policy.primaryKey, policy.secondaryKey] : []
  }
}
