import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

const protocol = 'AMQPWSB10'

function speaksAmqp(request: IncomingMessage): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',')
  return offered.some((one) => one.trim() === protocol)
}

function refuse(_request: IncomingMessage, socket: Duplex): void {
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
}

/** AMQP over WebSockets on an HTTPS server, whatever their path; other upgrades are for `others`. */
export function serveWebSockets(server: Server, accept: (stream: Duplex) => void, others: Upgrade = refuse): void {
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => protocol })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!speaksAmqp(request)) {
      others(request, socket, head)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket)
      stream.on('error', () => undefined)
      accept(stream)
    })
  })
}
