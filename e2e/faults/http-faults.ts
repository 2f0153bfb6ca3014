import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of a request to the server behind. */
export type HttpFault =
  | { kind: 'pass' }
  /** Answered here, and the server hears nothing. */
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string }
  /** The server hears all of it and answers; the connection is reset instead: the outcome is unknown. */
  | { kind: 'lost-answer' }
  | { kind: 'reset' }
  /** Bodies above this are refused with 413, as a server does that has a limit. */
  | { kind: 'too-large'; maxBytes: number }

export interface HttpFaults {
  url: string
  /** Requests that were not simply passed on, by kind or status. */
  readonly spoilt: Record<string, number>
  /** Writes that the server took and whose answer was passed on. */
  readonly taken: number
  fault(fault: HttpFault): void
  close(): Promise<void>
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** A door in front of an HTTP server that spoils the writes, requests to `/write`; everything else passes. */
export async function startHttpFaults(target: string): Promise<HttpFaults> {
  let current: HttpFault = { kind: 'pass' }
  const spoilt: Record<string, number> = {}
  let taken = 0
  const count = (what: string) => {
    spoilt[what] = (spoilt[what] ?? 0) + 1
  }

  const forward = async (incoming: IncomingMessage, body: Buffer) => {
    const { method, headers } = incoming
    const outgoing = request(new URL(incoming.url!, target), { method: method!, headers })
    outgoing.end(body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { status: answer.statusCode!, headers: answer.headers, body: await bodyOf(answer) }
  }

  const spoil = (fault: HttpFault, body: Buffer, response: ServerResponse): boolean => {
    if (fault.kind === 'answer') {
      count(String(fault.status))
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      response.end(fault.body ?? '{"error":"not now"}')
    } else if (fault.kind === 'reset') {
      count('reset')
      response.socket?.resetAndDestroy()
    } else if (fault.kind === 'too-large' && body.length > fault.maxBytes) {
      count('413')
      response.writeHead(413, { 'content-type': 'application/json' }).end('{"error":"too large"}')
    } else return false
    return true
  }

  const respond = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(incoming)
    const fault: HttpFault = incoming.url!.startsWith('/write') ? current : { kind: 'pass' }
    if (spoil(fault, body, response)) return
    const answer = await forward(incoming, body)
    if (fault.kind === 'lost-answer') {
      count('lost-answer')
      response.socket?.resetAndDestroy()
      return
    }
    if (incoming.url!.startsWith('/write')) taken++
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }

  const server = createServer((incoming, response) => {
    respond(incoming, response).catch(() => response.socket?.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spoilt,
    get taken() {
      return taken
    },
    fault(fault) {
      current = fault
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
