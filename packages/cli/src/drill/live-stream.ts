import { pause } from '@millrace/pipeline'

export interface LiveStreamOptions {
  url: string
  token: string | undefined
  /** Of the events to be told. */
  event: string
  heard(data: string): void
}

const tryAgainMs = 100
/** A stream says at least this often that it is there. */
const silentMs = 20_000

/** Events of a stream of server-sent events, as `name` and `data`, until it ends. */
async function* eventsOf(response: Response): AsyncIterable<[name: string, data: string]> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (name !== undefined && data !== undefined) yield [name, data]
    }
  }
}

/** Listens as a page does, and connects again at once whenever the stream ends, until the signal does. */
export async function followLive({ url, token, event, heard }: LiveStreamOptions, signal: AbortSignal): Promise<void> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  while (!signal.aborted) {
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), silentMs)
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.any([signal, silence.signal]) })
      for await (const [name, data] of eventsOf(response)) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), silentMs)
        if (name === event) heard(data)
      }
    } catch {
      // The other side is down, which is what a drill is for.
    }
    clearTimeout(timer)
    await pause(tryAgainMs, signal).catch(() => undefined)
  }
}
