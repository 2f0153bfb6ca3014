import { setTimeout as delay } from 'node:timers/promises'

/** Polls until `condition` is truthy and returns its value; fails with `label` after `withinMs` of real time. */
export async function until<T>(
  condition: () => T | Promise<T>,
  {
    withinMs = 10_000,
    everyMs = 10,
    label = 'the condition',
  }: { withinMs?: number; everyMs?: number; label?: string } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`${label} did not hold within ${withinMs} ms`)
    await delay(everyMs)
  }
}
