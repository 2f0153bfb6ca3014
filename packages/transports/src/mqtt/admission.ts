import type { Clock } from '@millrace/pipeline'

export interface AdmissionLimits {
  maxConnections: number
  maxConnectionsPerAddress: number
  /** New connections of one address within one second. */
  maxConnectsPerSecond: number
}

export interface Admission {
  /** The reason to refuse a new connection, or undefined: then `leave` must be called when it ends. */
  enter(address: string): 'too-many-connections' | 'too-many-connects' | undefined
  leave(address: string): void
}

interface Address {
  open: number
  second: number
  connects: number
}

/** Counts connections in all and per address. An address is forgotten once it has none and its second has passed. */
export function createAdmission(limits: AdmissionLimits, clock: Clock): Admission {
  const addresses = new Map<string, Address>()
  let total = 0
  let sweptSecond = 0

  function sweep(second: number): void {
    if (second === sweptSecond) return
    sweptSecond = second
    for (const [address, entry] of addresses) if (entry.open === 0 && entry.second < second) addresses.delete(address)
  }

  return {
    enter(address) {
      const second = Math.floor(clock.monotonic() / 1000)
      sweep(second)
      const entry = addresses.get(address) ?? { open: 0, second, connects: 0 }
      addresses.set(address, entry)
      if (entry.second !== second) Object.assign(entry, { second, connects: 0 })
      entry.connects++
      if (entry.connects > limits.maxConnectsPerSecond) return 'too-many-connects'
      if (total >= limits.maxConnections || entry.open >= limits.maxConnectionsPerAddress) return 'too-many-connections'
      total++
      entry.open++
      return undefined
    },
    leave(address) {
      const entry = addresses.get(address)
      if (entry === undefined || entry.open === 0) return
      entry.open--
      total--
    },
  }
}
