import type { Claims } from './claims.ts'
import type { SaslMechanism } from './rhea.ts'

const nobody = (): SaslMechanism => ({
  outcome: undefined,
  username: undefined,
  start() {
    this.outcome = true
  },
})

function fieldsOf(response: Buffer | undefined): string[] {
  return (response?.toString('utf8') ?? '').split('\0')
}

/** Mechanisms for one connection. Whoever comes as nobody shows tokens later, on `$cbs`. */
export function mechanismsFor(claims: Claims): Record<string, () => SaslMechanism> {
  const plain = (): SaslMechanism => ({
    outcome: undefined,
    username: undefined,
    start(response) {
      const [, name = '', key = ''] = fieldsOf(response)
      this.outcome = claims.login(name, key)
    },
  })
  return { MSSBCBS: nobody, ANONYMOUS: nobody, PLAIN: plain }
}
