import { z } from 'zod'
import { namePattern } from './limits.ts'

/** True for a name every stage accepts. `__proto__` matches the pattern but is refused: it breaks object look-ups in tools downstream. */
export function isName(text: string): boolean {
  return namePattern.test(text) && text !== '__proto__'
}

/** A site, device, metric or boot name. */
export const nameSchema = z.string().refine(isName, 'must be 1 to 64 of A-Z a-z 0-9 . _ : -')

/** Site of the devices of a drill: they come and fall silent by design, so only rules that name it watch them. */
export const drillSite = 'millrace-drill'
