import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { until } from '../testing/index.ts'

const script = fileURLToPath(new URL('../testing/service.ts', import.meta.url))

function start(behaviour: string) {
  const child: ChildProcess = fork(script, [behaviour], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  let out = ''
  let errors = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  // Not the event `close`: a parent that has disconnected never gets it.
  const code = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const ends = [child.stdout!, child.stderr!].map((stream) => new Promise((resolve) => stream.on('end', resolve)))
  const exited = Promise.all([code, ...ends]).then(([first]) => first as number | null)
  return { child, code, exited, out: () => out, errors: () => errors }
}

test.each([
  ['usage', 2, 'service: agent.yaml has one problem\n  site: found nothing; allowed: a text\n[usage]\n'],
  [
    'unreachable',
    3,
    'service: no InfluxDB at http://127.0.0.1:8086\nStart it or change stores[0].url.\n[unreachable]\n',
  ],
  ['locked', 1, 'service: the spool is in use\n[spool-locked]\n'],
  ['later', 1, 'service: the disk failed\n[spool-failed]\n'],
])('%s: exit code %i and a plain message without a stack', async (behaviour, code, message) => {
  const service = start(behaviour)
  expect(await service.exited).toBe(code)
  expect(service.errors()).toBe(message)
})

test('a bug ends with exit code 1 and its stack', async () => {
  const service = start('bug')
  expect(await service.exited).toBe(1)
  expect(service.errors()).toMatch(/TypeError: a bug\n +at /)
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the service cleanly', async (signal) => {
  const service = start('slow')
  await until(() => service.out().includes('started'))
  service.child.kill(signal)
  expect(await service.exited).toBe(0)
  expect(service.out()).toBe('started\nstopping\nstopped\n')
})

test('a signal while it is still starting ends the start', async () => {
  const service = start('waiting')
  await until(() => service.out().includes('starting'))
  service.child.kill('SIGTERM')
  expect(await service.exited).toBe(0)
  expect(service.out()).toBe('starting\n')
})

test('the end of the parent stops the service too', async () => {
  const service = start('slow')
  await until(() => service.out().includes('started'))
  service.child.disconnect()
  expect(await service.exited).toBe(0)
  expect(service.out()).toContain('stopped')
})

test('a reader of its output that goes away does not end it', async () => {
  const service = start('chatty')
  await until(() => service.out().includes('still here'))
  service.child.stdout!.destroy()
  service.child.stderr!.destroy()
  const ended = await Promise.race([service.code, new Promise((resolve) => setTimeout(() => resolve('running'), 300))])
  expect(ended).toBe('running')
  service.child.kill('SIGTERM')
  expect(await service.code).toBe(0)
})

test('a service whose work is done stops by itself', async () => {
  const service = start('done')
  expect(await service.exited).toBe(0)
  expect(service.out()).toBe('started\nstopping\nstopped\n')
})

test('a second signal ends a hanging stop at once', async () => {
  const service = start('hanging')
  await until(() => service.out().includes('started'))
  service.child.kill('SIGTERM')
  await until(() => service.out().includes('stopping'))
  service.child.kill('SIGINT')
  expect(await service.exited).toBe(130)
})

test('a stop that hangs is ended when its time is over', async () => {
  const service = start('hanging')
  await until(() => service.out().includes('started'))
  service.child.kill('SIGTERM')
  expect(await service.exited).toBe(1)
  expect(service.errors()).toContain('did not stop within 1500 ms')
})
