import { setTimeout as delay } from 'node:timers/promises'

export interface SeenReading {
  device: string
  ts: number
}

interface ReadingEvent {
  site: string
  readings: { device: string; ts: number }[]
}

const silentMs = 20_000

/** The JSON of every event of one name in a stream of server-sent events. */
async function* events(url: string, name: string, signal: AbortSignal): AsyncGenerator<unknown> {
  const response = await fetch(url, { signal })
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes as Uint8Array, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const data = block.startsWith(`event: ${name}\n`) ? block.slice(block.indexOf('data: ') + 6) : undefined
      if (data !== undefined) yield JSON.parse(data)
    }
  }
}

/** Watches what an ingest shows of a site as it comes, also over its restarts, until the signal says so. */
export async function watchFarEnd(
  { url, site, signal }: { url: string; site: string; signal: AbortSignal },
  seen: (reading: SeenReading) => void,
): Promise<void> {
  while (!signal.aborted) {
    const attempt = new AbortController()
    const silence = setTimeout(() => attempt.abort(), silentMs)
    try {
      for await (const event of events(
        `${url}/api/live?site=${site}`,
        'reading',
        AbortSignal.any([signal, attempt.signal]),
      )) {
        silence.refresh()
        for (const { device, ts } of (event as ReadingEvent).readings) seen({ device, ts })
      }
    } catch {
      // It is down, or was just killed: the next attempt tells.
    } finally {
      clearTimeout(silence)
    }
    await delay(100, undefined, { signal }).catch(() => undefined)
  }
}
