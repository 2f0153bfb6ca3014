import type { ServerResponse } from 'node:http'

export type EventName = 'reading' | 'summary' | 'alert' | 'status' | 'mark'

/** Bytes a listener may be behind; a slower one is let go and connects again by itself. */
const maxBehindBytes = 4 * 1024 * 1024
const keepAliveMs = 15_000
const maxListeners = 200

interface Listener {
  response: ServerResponse
  site: string | undefined
}

/** Server-sent events: every listener gets what happens from now on. */
export class EventHub {
  private readonly listeners = new Set<Listener>()
  private timer: NodeJS.Timeout | undefined

  get size(): number {
    return this.listeners.size
  }

  /** False where there are too many. */
  add(response: ServerResponse, site: string | undefined): boolean {
    if (this.listeners.size >= maxListeners) return false
    const listener = { response, site }
    this.listeners.add(listener)
    response.on('close', () => this.listeners.delete(listener))
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    response.write('retry: 1000\n\n')
    this.timer ??= setInterval(() => this.writeAll(': still here\n\n', undefined), keepAliveMs).unref()
    return true
  }

  /** To who asked for the site; to everyone where the event is of none. */
  send(name: EventName, site: string | undefined, data: unknown): void {
    if (this.listeners.size > 0) this.writeAll(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`, site)
  }

  sendTo(response: ServerResponse, name: EventName, data: unknown): void {
    response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  close(): void {
    clearInterval(this.timer)
    for (const { response } of this.listeners) response.end()
    this.listeners.clear()
  }

  private writeAll(text: string, site: string | undefined): void {
    for (const { response, site: wanted } of this.listeners) {
      if (site !== undefined && wanted !== undefined && wanted !== site) continue
      if (response.writableLength > maxBehindBytes) response.destroy()
      else response.write(text)
    }
  }
}
