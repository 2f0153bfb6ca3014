import type { Scorecard } from '../oracle/scorecard.ts'
import type { ClaimOptions } from './claim.ts'
import { bound } from './guard.ts'
import { FaultStack, type FaultStackOptions } from './stack.ts'

const maxBytes = 2 ** 30

/** Runs on a stack of its own, which is gone afterwards; the signal is aborted when time, disk or patience is up. */
export async function withStack(
  {
    signal,
    say,
    withinMs,
    ...stackOptions
  }: FaultStackOptions & Pick<ClaimOptions, 'signal' | 'say'> & { withinMs: number },
  work: (stack: FaultStack, signal: AbortSignal) => Promise<Scorecard>,
): Promise<Scorecard> {
  const stack = await FaultStack.make(stackOptions)
  say(`in ${stack.folder}`)
  const bounds = bound(stack.folder, { withinMs, maxBytes })
  const ending = AbortSignal.any([signal, bounds.signal])
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => undefined)
  const end = () => ended.reject(ending.reason as Error)
  if (ending.aborted) end()
  ending.addEventListener('abort', end)
  try {
    await stack.start()
    return await Promise.race([work(stack, ending), ended.promise])
  } finally {
    ending.removeEventListener('abort', end)
    bounds.release()
    await stack.remove()
  }
}
