import { z } from 'zod'
import { clockOffset } from './clock-offset.ts'
import { dropout } from './dropout.ts'
import { duplicate } from './duplicate.ts'
import { late } from './late.ts'
import { malformed } from './malformed.ts'
import { outOfOrder } from './out-of-order.ts'
import type { Perturbation } from './perturbation.ts'
import { reboot } from './reboot.ts'
import { silentReboot } from './silent-reboot.ts'

/** Every way in which devices misbehave. The first two run before `reboot`, which asks what they made of the device. */
export const perturbations: readonly Perturbation[] = [
  silentReboot,
  clockOffset,
  late,
  outOfOrder,
  duplicate,
  dropout,
  reboot,
  malformed,
]

const share = z.number().min(0).max(1)
const shares = Object.fromEntries(perturbations.map(({ name }) => [name, share.optional()]))

/** How often each happens, 0 to 1; what is not named does not happen. */
export const perturbSchema = z.strictObject(shares)
export type Perturb = z.output<typeof perturbSchema>

export { createDeviceStream, type DeviceStream, type StreamSettings } from './device-stream.ts'
export type { Perturbation } from './perturbation.ts'
