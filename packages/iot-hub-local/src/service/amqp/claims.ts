import type { Permission } from '../../types.ts'
import type { Authority, Grant, Judgement } from '../authority.ts'

/** What the peer of one connection may do: by tokens put on `$cbs`, each until it expires, or by a policy's key. */
export class Claims {
  readonly #authority: Authority
  readonly #grants = new Map<string, Grant>()
  #byKey: readonly Permission[] = []

  constructor(authority: Authority) {
    this.#authority = authority
  }

  /** A token for a resource replaces the one before. */
  put(token: string): Judgement {
    const judgement = this.#authority.judge(token)
    if (judgement.ok) this.#grants.set(judgement.grant.resource, judgement.grant)
    return judgement
  }

  login(name: string, key: string): boolean {
    const permissions = this.#authority.login(name, key)
    this.#byKey = permissions ?? []
    return permissions !== undefined
  }

  /** Whether this may be done at a path, which begins with a slash; anywhere when there is none. */
  permits(path: string | undefined, permission: Permission): boolean {
    if (this.#byKey.includes(permission)) return true
    const nowMs = this.#authority.now()
    for (const grant of this.#grants.values()) {
      const holds = grant.expiresMs > nowMs && grant.permissions.includes(permission)
      if (holds && (path === undefined || this.#authority.covers(grant, path))) return true
    }
    return false
  }
}
