import type { IncomingHttpHeaders } from 'node:http'

interface Asked {
  method: string
  headers: IncomingHttpHeaders
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}

/**
 * Why a change is refused: a page of another site makes a browser send its user's token, or reach this machine's
 * loopback, but it can neither hide where it comes from nor send JSON unasked. Undefined where nothing speaks against it.
 */
export function refusalOf({ headers, method }: Asked): string | undefined {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'ask from a page of this service'
  if (origin !== undefined && (host === undefined || hostOf(origin) !== host)) return 'ask from a page of this service'
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (method !== 'DELETE' && type !== 'application/json') return 'send JSON, as content type application/json'
  return undefined
}
