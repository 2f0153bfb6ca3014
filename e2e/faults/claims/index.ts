import type { Claim } from '../claim.ts'
import { connections } from './connections.ts'
import { forgetfulBroker } from './forgetful-broker.ts'
import { frozen } from './frozen.ts'
import { killNine } from './kill-nine.ts'
import { outOfMemory } from './out-of-memory.ts'
import { outage } from './outage.ts'
import { sigterm } from './sigterm.ts'

/** Every fault run. */
export const claims: readonly Claim[] = [killNine, sigterm, outage, connections, forgetfulBroker, frozen, outOfMemory]
