import { expect, test } from 'vitest'
import { createLogger } from './index.ts'

function lines() {
  const out: string[] = []
  return { out, destination: { write: (line: string) => void out.push(line) } }
}

test('a line has level, name, message and fields, and hides secrets and payloads', () => {
  const { out, destination } = lines()
  const log = createLogger({ name: 'agent', level: 'info', destination })
  log.debug({}, 'not shown')
  log.warn({ port: 1883, password: 'hunter2', payload: 'abc' }, 'listening')
  expect(out).toHaveLength(1)
  expect(JSON.parse(out[0]!)).toMatchObject({
    level: 'warn',
    name: 'agent',
    msg: 'listening',
    port: 1883,
    password: '(hidden)',
    payload: '(hidden)',
  })
})

test('a plain line is one line, errors by their message', () => {
  const { out, destination } = lines()
  const log = createLogger({ name: 'agent', pretty: true, destination })
  log.error({ error: new Error('two\nlines'), site: 'a', topic: 'x y' }, 'failed')
  expect(out[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR agent: failed error="two\\nlines" site=a topic="x y"\n$/)
})

test('a line for the journal of systemd begins with its level', () => {
  const { out, destination } = lines()
  const log = createLogger({ name: 'agent', level: 'debug', journal: true, destination })
  log.debug({}, 'a')
  log.info({}, 'b')
  log.warn({}, 'c')
  log.error({}, 'd')
  expect(out.map((line) => line.slice(0, 3))).toEqual(['<7>', '<6>', '<4>', '<3>'])
  expect(JSON.parse(out[3]!.slice(3))).toMatchObject({ level: 'error', msg: 'd' })
})
