import { UnreachableError } from '@millrace/pipeline'

const answerWithinMs = 5_000
/** An InfluxDB may ask for a password even here. */
const wantsPassword = new Set([401, 403])

/** Rejects with an UnreachableError where no InfluxDB answers at the URL of `--influx`. */
export async function demandInflux(url: string): Promise<void> {
  const hint = 'Start it or correct the address; without --influx the embedded store is used. Nothing was started.'
  const response = await fetch(`${url.replace(/\/+$/, '')}/ping`, {
    signal: AbortSignal.timeout(answerWithinMs),
  }).catch((cause: Error) => {
    const why = cause.cause instanceof Error ? cause.cause.message : cause.message
    throw new UnreachableError(`no answer from InfluxDB at ${url} (--influx): ${why}`, { hint, cause })
  })
  await response.body?.cancel()
  if (response.ok || wantsPassword.has(response.status)) return
  throw new UnreachableError(`what answers at ${url} (--influx) is no InfluxDB: /ping says ${response.status}`, {
    hint,
  })
}
