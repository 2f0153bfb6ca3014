import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  byteSize,
  checkConfig,
  definePlugin,
  describeError,
  durationMs,
  loadConfig,
  parseConfig,
  pluginSet,
  UsageError,
} from './index.ts'

const collect = pluginSet<null, null>([
  definePlugin({
    type: 'broker',
    settings: z.object({ port: z.int().min(1).max(65_535).default(1883) }),
    create: () => null,
  }),
  definePlugin({
    type: 'mqtt',
    settings: z.object({ url: z.url(), passwordFile: z.string().optional() }),
    create: () => null,
  }),
])

const schema = z.strictObject({
  agent: z.string().min(1),
  windows: z.strictObject({ length: durationMs.default(60_000), lateness: durationMs.default(5000) }).prefault({}),
  spool: z
    .strictObject({
      maxBytes: byteSize.default(2 ** 31),
      whenFull: z.enum(['refuse', 'drop-oldest']).default('refuse'),
    })
    .prefault({}),
  collect: collect.schema,
  stores: z.array(collect.schema).default([]),
  password: z.string().min(8).optional(),
})

function problemsOf(text: string): UsageError {
  try {
    parseConfig(text, schema, 'agent.yaml')
  } catch (error) {
    if (error instanceof UsageError) return error
  }
  throw new Error('the config was accepted')
}

test('a good file gives its settings with defaults, durations in ms and sizes in bytes', () => {
  const config = parseConfig(
    'agent: a\nwindows: {lateness: 1.5s}\nspool: {maxBytes: 256MiB}\ncollect: {type: broker}',
    schema,
    'x',
  )
  expect(config).toEqual({
    agent: 'a',
    windows: { length: 60_000, lateness: 1500 },
    spool: { maxBytes: 256 * 1024 * 1024, whenFull: 'refuse' },
    collect: { type: 'broker', port: 1883 },
    stores: [],
  })
})

test('every problem is listed at once: where, what was found, what is allowed, and the nearest known key', () => {
  const error = problemsOf(
    [
      'windows:',
      '  lenght: 1m',
      '  lateness: soon',
      'spool: {maxBytes: 5 parsecs, when-full: refuse}',
      'collect: {type: mqtt, urll: "mqtt://x", port: 1}',
      'stores:',
      '  - {type: brokr}',
      '  - {type: broker, port: 70000}',
      'password: short',
      'colour: red',
    ].join('\n'),
  )
  expect(error.message).toBe('agent.yaml has 12 problems')
  expect(error.exitCode).toBe(2)
  const known = 'agent, windows, spool, collect, stores, password'
  expect(error.problems).toEqual([
    { path: 'agent', found: 'nothing', expected: 'a text' },
    { path: 'windows.lateness (line 3)', found: '"soon"', expected: 'a duration such as 250ms, 90s, 1m, 6h or 7d' },
    { path: 'windows.lenght (line 2)', found: 'an unknown setting', expected: 'the nearest known setting is length' },
    { path: 'spool.maxBytes (line 4)', found: '"5 parsecs"', expected: 'a size such as 64KiB, 256MiB or 2GiB' },
    {
      path: 'spool.when-full (line 4)',
      found: 'an unknown setting',
      expected: 'the nearest known setting is whenFull',
    },
    { path: 'collect.url (line 5)', found: 'nothing', expected: 'a text' },
    { path: 'collect.urll (line 5)', found: 'an unknown setting', expected: 'the nearest known setting is url' },
    { path: 'collect.port (line 5)', found: 'an unknown setting', expected: 'url, passwordFile, type' },
    { path: 'stores[0].type (line 7)', found: '"brokr"', expected: 'broker, mqtt' },
    { path: 'stores[1].port (line 8)', found: '70000', expected: 'at most 65535' },
    { path: 'password (line 9)', found: 'a value (hidden)', expected: 'at least 8 characters' },
    { path: 'colour (line 10)', found: 'an unknown setting', expected: known },
  ])
  expect(describeError(error)).toContain('  stores[0].type (line 7): found "brokr"; allowed: broker, mqtt\n')
})

test('text that is not YAML is named with line and column', () => {
  const error = problemsOf('agent: a\nwindows: {length: 1m\ncollect: [')
  expect(error.code).toBe('config-syntax')
  expect(error.problems[0]!.path).toMatch(/^line \d+, column \d+$/)
})

test('a setting given twice, a list for a group, an empty file and a hostile key are problems, not crashes', () => {
  expect(problemsOf('agent: a\nagent: b').code).toBe('config-syntax')
  expect(problemsOf('[1, 2]').problems[0]).toMatchObject({ path: '(the whole file)', expected: 'a group of settings' })
  expect(problemsOf('').problems.map(({ path }) => path)).toEqual(['agent', 'collect'])
  const hostile = problemsOf('agent: a\ncollect: {type: broker}\n__proto__: {port: 5}')
  expect(hostile.problems.map(({ path }) => path)).toEqual(['__proto__ (line 3)'])
})

test('a missing file is named', async () => {
  await expect(loadConfig('/nowhere/agent.yaml', schema)).rejects.toMatchObject({
    code: 'config-unreadable',
    message: 'cannot read the config file /nowhere/agent.yaml (ENOENT)',
  })
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-config-')), 'a.yaml')
  writeFileSync(file, 'agent: a\ncollect: {type: broker}\n')
  expect((await loadConfig(file, schema)).agent).toBe('a')
})

test('settings that are already a value are checked the same way', () => {
  expect(() => checkConfig({ speed: 0 }, z.strictObject({ speed: z.number().positive() }), 'the flags')).toThrow(
    expect.objectContaining({ problems: [{ path: 'speed', found: '0', expected: 'more than 0' }] }),
  )
})
