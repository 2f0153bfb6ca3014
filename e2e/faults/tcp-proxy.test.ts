import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../packages/pipeline/testing/index.ts'
import { startProxy, type TcpProxy } from './tcp-proxy.ts'

let proxy: TcpProxy
let heard = ''
const sockets: Socket[] = []
/** Answers every piece with `<piece>`. */
const server = createServer((socket) => {
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.on('data', (bytes) => {
    heard += bytes
    socket.write(`<${bytes}>`)
  })
})

beforeEach(async () => {
  heard = ''
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await startProxy({ target: { port: (server.address() as { port: number }).port } })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await proxy.close()
  await new Promise((resolve) => server.close(resolve))
})

function client() {
  const socket = connect(proxy.port, '127.0.0.1')
  const state = { answers: '', gone: false, connected: once(socket, 'connect').catch(() => undefined), socket }
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    state.gone = true
  })
  socket.on('data', (bytes) => {
    state.answers += bytes
  })
  return state
}

describe('a proxy', () => {
  it('passes bytes both ways and the end of a connection', async () => {
    const one = client()
    one.socket.write('hello')
    await until(() => one.answers === '<hello>')
    one.socket.end()
    await until(() => one.gone)
  })

  it('cut, resets what is open and what comes, and passes again', async () => {
    const one = client()
    one.socket.write('a')
    await until(() => one.answers === '<a>')
    proxy.mode({ kind: 'cut' })
    const two = client()
    await until(() => one.gone && two.gone)
    expect([proxy.taken, proxy.reset]).toEqual([2, 2])
    proxy.mode({ kind: 'pass' })
    const three = client()
    three.socket.write('b')
    await until(() => three.answers === '<b>')
  })

  it('stalled, takes connections, delivers nothing, and delivers all of it once it passes again', async () => {
    proxy.mode({ kind: 'stall' })
    const one = client()
    await one.connected
    one.socket.write('held')
    await delay(50)
    expect([heard, one.gone]).toEqual(['', false])
    proxy.mode({ kind: 'pass' })
    await until(() => one.answers === '<held>')
  })

  it('half-open, leaves connections dead for good, and takes new ones afterwards', async () => {
    const one = client()
    one.socket.write('a')
    await until(() => one.answers === '<a>')
    proxy.mode({ kind: 'half-open' })
    proxy.mode({ kind: 'pass' })
    one.socket.write('b')
    const two = client()
    two.socket.write('c')
    await until(() => two.answers === '<c>')
    await delay(50)
    expect([heard, one.answers, one.gone]).toEqual(['ac', '<a>', false])
  })

  it('deaf, lets the target hear everything and the client learn nothing but a reset', async () => {
    proxy.mode({ kind: 'deaf', afterMs: 10 })
    const one = client()
    one.socket.write('commit')
    await until(() => one.gone)
    expect([heard, one.answers]).toEqual(['commit', ''])
  })

  it('drops, slows, delays and flaps', async () => {
    proxy.mode({ kind: 'drop', share: 1 })
    const dropped = client()
    dropped.socket.write('x')
    await until(() => dropped.gone)
    proxy.mode({ kind: 'slow', bytesPerSecond: 100 })
    const slow = client()
    const startedMs = performance.now()
    slow.socket.write('0123456789')
    await until(() => slow.answers === '<0123456789>')
    expect(performance.now() - startedMs).toBeGreaterThan(150)
    proxy.mode({ kind: 'flap', upMs: 100, downMs: 100 })
    await until(() => slow.gone)
    await until(() => {
      const one = client()
      one.socket.write('up')
      return delay(60).then(() => one.answers === '<up>')
    })
  })
})
