import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Recorder } from './recorder.ts'
import { sentPackets } from './sent-packets.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-trace-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const hex = (text: string | Buffer) =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
const opened = (path: string, number: number) => {
  return `7  1.5 openat(AT_FDCWD<${hex('/')}>, "${hex(path)}", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = ${number}<${hex(path)}>`
}

async function record(lines: readonly string[]) {
  const file = join(folder, 'trace')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const recorder = new Recorder({ root: '/data', ignores: (path) => path.endsWith('.log') })
  await recorder.read(file)
  return recorder.recording()
}

test('calls become steps in order, and a flush that another thread interrupted covers what came before it began', async () => {
  const { steps } = await record([
    opened('/data/a', 3),
    `7  2.5 pwrite64(3<${hex('/data/a')}>, "${hex('one')}", 3, 8) = 3`,
    `7  3.5 fsync(3<${hex('/data/a')}> <unfinished ...>`,
    `8  3.6 pwrite64(4<${hex('/data/a')}>, "${hex('two')}", 3, 0) = 3`,
    '7  3.7 <... fsync resumed>)             = 0',
    `7  4.5 unlink("${hex('/data/a')}") = 0`,
  ])
  expect(steps).toEqual([
    { at: 1, kind: 'make', path: 'a', file: 0 },
    { at: 2, kind: 'write', file: 0, offset: 8, bytes: Buffer.from('one') },
    { at: 4, kind: 'write', file: 0, offset: 0, bytes: Buffer.from('two') },
    { at: 5, kind: 'flush', file: 0, covers: 3 },
    { at: 6, kind: 'remove', path: 'a' },
  ])
})

test('a call that failed, or that the program did not live to see ended, is no step', async () => {
  const { steps } = await record([
    opened('/data/a', 3),
    `7  2.5 fsync(3<${hex('/data/a')}>) = -1 EIO (Input/output error)`,
    `7  3.5 fsync(3<${hex('/data/a')}> <unfinished ...>`,
    '7  3.6 +++ killed by SIGKILL +++',
  ])
  expect(steps.map(({ kind }) => kind)).toEqual(['make'])
})

test('a call that the model does not know is refused where it touches a file that matters', async () => {
  const mapped = (path: string) =>
    `7  2.5 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3<${hex(path)}>, 0) = 0x7fa7`
  await expect(record([opened('/data/a', 3), mapped('/data/a')])).rejects.toThrow('mmap of /data/a')
  await expect(record([opened('/data/b.log', 3), mapped('/data/b.log'), mapped('/elsewhere')])).resolves.toBeDefined()
})

test('an acknowledgement counts from its last byte, on a connection that a client opened', async () => {
  const to = (socket: number, bytes: Buffer, at: number) => {
    return `7  ${at}.5 write(20<${hex(`socket:[${socket}]`)}>, "${hex(bytes)}", ${bytes.byteLength}) = ${bytes.byteLength}`
  }
  const { sent } = await record([
    to(1, Buffer.from([0x20, 2, 0, 0, 0x40, 2, 1]), 1),
    to(1, Buffer.from([44]), 2),
    to(2, Buffer.from([0x10, 0, 0x40, 2, 0, 7]), 3),
    to(3, Buffer.from('HTTP/1.1 200 OK'), 4),
  ])
  expect(sentPackets(sent)).toEqual([
    { at: 2, to: 'client', packet: { kind: 'puback', id: 300 } },
    { at: 3, to: 'broker', packet: { kind: 'puback', id: 7 } },
  ])
})

test('a piece of a vector that the trace cut off moves nothing that was sent behind it', async () => {
  const publish = Buffer.concat([Buffer.from([0x30, 14, 0, 2]), Buffer.from('t/')])
  const vector = [
    `{iov_base="${hex(Buffer.concat([Buffer.from([0x10, 0]), publish]))}", iov_len=8}`,
    `{iov_base="${hex('cut')}"..., iov_len=10}`,
    `{iov_base="${hex(Buffer.from([0x40, 2, 0, 7]))}", iov_len=4}`,
  ]
  const { sent } = await record([`7  1.5 writev(20<${hex('socket:[1]')}>, [${vector.join(', ')}], 3) = 22`])
  const body = Buffer.concat([Buffer.from('cut'), Buffer.alloc(7)])
  expect(sentPackets(sent)).toEqual([
    { at: 1, to: 'broker', packet: { kind: 'publish', topic: 't/', body } },
    { at: 1, to: 'broker', packet: { kind: 'puback', id: 7 } },
  ])
})
