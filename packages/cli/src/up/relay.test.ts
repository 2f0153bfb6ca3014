import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Relay } from './relay.ts'

let echo: Server
let relay: Relay
let port: number
const sockets: Socket[] = []

beforeEach(async () => {
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = echo.address()
  relay = new Relay(typeof address === 'object' && address ? address.port : 0)
  port = await relay.listen()
})

afterEach(async () => {
  await relay.close()
  for (const socket of sockets.splice(0)) socket.destroy()
  echo.close()
})

async function roundTrip(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.end(text)
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  await once(socket, 'close')
  return answer
}

it('carries bytes both ways', async () => {
  expect(await roundTrip('hello')).toBe('hello')
})

it('ends open connections when it is cut, refuses new ones, and carries again when restored', async () => {
  const open = connect(port, '127.0.0.1')
  await once(open, 'connect')
  open.write('x')
  await once(open, 'data')
  const closed = once(open, 'close')
  open.on('error', () => undefined)
  relay.connected = false
  await closed
  expect(await roundTrip('lost')).toBe('')
  relay.connected = true
  expect(await roundTrip('back')).toBe('back')
})
