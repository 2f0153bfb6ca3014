import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { freePort } from './fixture.ts'

interface Told {
  key: string
  body: string
  /** Of all that it tells, listed or not. */
  counts: Record<string, number>
  items: { kind: string; alert: { id: string; rev: number } }[]
}

/** Takes notices as a receiver does that remembers idempotency keys. */
export class WebhookServer {
  /** One per key. */
  readonly notices = new Map<string, Told>()
  /** Every request, repeats included. */
  requests = 0
  /** Keys that came with another body than before. */
  readonly conflicts: string[] = []
  /** What to do with the next requests; by default they are taken. */
  answers: (() => 'take' | 'fail' | 'vanish') | undefined
  readonly #server = createServer((request, response) => {
    this.#take(request, response).catch(() => response.destroy())
  })
  #port = 0

  async start(): Promise<this> {
    this.#port = await freePort()
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The setting `notify` that tells this server at once. */
  get config() {
    const url = `http://127.0.0.1:${this.#port}/`
    return {
      channels: [{ type: 'webhook', name: 'ops', url, groupWait: '0s', groupEvery: '0s', maxPerMinute: 10_000 }],
    }
  }

  /** Ids of alerts of which this was told, in order, once per notice. */
  told(kind: string): string[] {
    const items = [...this.notices.values()].flatMap((notice) => notice.items)
    return items.filter((item) => item.kind === kind).map(({ alert }) => alert.id)
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    this.requests++
    const answer = this.answers?.() ?? 'take'
    if (answer === 'fail') {
      response.writeHead(503).end()
      return
    }
    const key = String(request.headers['idempotency-key'])
    const known = this.notices.get(key)
    if (known && known.body !== body) this.conflicts.push(key)
    if (!known) {
      const { items, counts } = JSON.parse(body) as Told
      this.notices.set(key, { key, body, counts, items })
    }
    if (answer === 'vanish') response.destroy()
    else response.writeHead(204).end()
  }
}
