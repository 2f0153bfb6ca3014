import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Behaviour, Received } from './far-side.ts'

export interface ReceivedPost extends Received {
  headers: IncomingHttpHeaders
  path: string
  /** Whether it was answered with 2xx. */
  taken: boolean
}

/** An HTTP server that answers as told; whatever it refuses it repeats with all that it was sent. */
export class HttpFarSide {
  /** Those it took. */
  readonly received: ReceivedPost[] = []
  /** Those it only saw. */
  readonly seen: ReceivedPost[] = []
  retryAfter: string | undefined
  status: number | undefined
  #behaviour: Behaviour = 'takes'
  #server: Server | undefined
  port = 0

  async up(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        this.#answer({ text, headers: request.headers, path: request.url ?? '', taken: false }, response)
      })
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
  }

  #answer(post: ReceivedPost, response: ServerResponse): void {
    this.seen.push(post)
    const behaviour = this.#behaviour
    if (behaviour === 'hangs') return
    const echo = JSON.stringify({ error: 'no', path: post.path, headers: post.headers })
    if (behaviour === 'refuses') response.writeHead(this.status ?? 400).end(echo)
    else if (behaviour === 'is busy') {
      response.writeHead(this.status ?? 503, this.retryAfter ? { 'retry-after': this.retryAfter } : {}).end(echo)
    } else {
      post.taken = true
      this.received.push(post)
      response.writeHead(202).end('ok')
    }
  }

  behave(how: Behaviour): void {
    this.#behaviour = how
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }

  close(): Promise<void> {
    return this.down()
  }
}
