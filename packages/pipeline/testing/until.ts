import { setTimeout as delay } from 'node:timers/promises'

/** Times are given as for a machine that does nothing else: one that is slow and busy has so many times as long. */
const patience = 4

/** Polls until `condition` is truthy and returns its value; fails with `label` where it does not come to hold. */
export async function until<T>(
  condition: () => T | Promise<T>,
  {
    withinMs = 10_000,
    everyMs = 10,
    label = 'the condition',
  }: { withinMs?: number; everyMs?: number; label?: string } = {},
): Promise<T> {
  const deadline = performance.now() + patience * withinMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`${label} did not hold within ${patience * withinMs} ms`)
    await delay(everyMs)
  }
}
