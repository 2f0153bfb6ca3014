import type { Act } from '../act.ts'
import { baseline } from './baseline.ts'
import { clocks } from './clocks.ts'
import { disk } from './disk.ts'
import { kills } from './kills.ts'
import { poison } from './poison.ts'
import { uplink } from './uplink.ts'

/** Everything that may go wrong, in the order in which it does. */
export const acts: readonly Act[] = [baseline, uplink, kills, disk, clocks, poison]
