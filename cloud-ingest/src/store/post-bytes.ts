import http from 'node:http'
import https from 'node:https'

/** Longest a connection waits for its next request, ms: shorter than what proxies allow. */
const idleMs = 15_000

/** Connections to one server, kept for the next request. */
export function keptConnections(url: string): http.Agent {
  const options = { keepAlive: true, timeout: idleMs }
  return url.startsWith('https:') ? new https.Agent(options) : new http.Agent(options)
}

/** Ends those that wait for a request: where one has lost its far side, all may have. Those in use go on. */
export function endWaiting({ freeSockets }: http.Agent): void {
  for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

export interface Answer {
  status: number
  text: string
  retryAfter: string | undefined
}

interface Post {
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  timeoutMs: number
  agent: http.Agent
}

/**
 * One POST on a kept connection. Written on `node:http`, as `fetch` copies a body and sends it in pieces: eight times
 * the processor time for 2 MB. Rejects where nobody answers in time; whether the body was taken is unknown then.
 */
export async function postBytes(url: URL, post: Post): Promise<Answer> {
  const signal = AbortSignal.timeout(post.timeoutMs)
  for (;;) {
    const sent = await attempt(url, post, signal)
    if (sent !== 'connection was closed') return sent
  }
}

function attempt(
  url: URL,
  { headers, body, agent }: Post,
  signal: AbortSignal,
): Promise<Answer | 'connection was closed'> {
  const secure = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(url, {
      ...{ method: 'POST', agent, signal },
      headers: { ...headers, 'content-length': body.length },
    })
    request.once('response', (response) => {
      readAll(response).then(resolve, reject)
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close a kept connection just when it is used again.
      if (request.reusedSocket && error.code === 'ECONNRESET') resolve('connection was closed')
      else reject(error)
    })
    request.end(body)
  })
}

async function readAll(response: http.IncomingMessage): Promise<Answer> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return { status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] }
}
