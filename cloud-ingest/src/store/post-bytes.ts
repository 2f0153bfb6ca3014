import http from 'node:http'
import https from 'node:https'

/** Longest a connection waits for its next request, ms: shorter than what proxies allow. */
const idleMs = 15_000
const connections = { keepAlive: true, timeout: idleMs }
const agents = { 'http:': new http.Agent(connections), 'https:': new https.Agent(connections) }

export interface Answer {
  status: number
  text: string
  retryAfter: string | undefined
}

interface Post {
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  timeoutMs: number
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

function attempt(url: URL, { headers, body }: Post, signal: AbortSignal): Promise<Answer | 'connection was closed'> {
  const secure = url.protocol === 'https:'
  const agent = agents[secure ? 'https:' : 'http:']
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
