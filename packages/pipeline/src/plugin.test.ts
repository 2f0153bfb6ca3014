import { expect, test } from 'vitest'
import { z } from 'zod'
import { definePlugin, pluginSet } from './index.ts'

const memory = definePlugin({
  type: 'memory',
  settings: z.object({ limit: z.number().default(5) }),
  create: ({ limit }: { limit: number }, name: string) => `${name}: ${limit}`,
})

test('the schema and the look-up come from the one list', async () => {
  const set = pluginSet<string, string>([memory])
  const settings = set.schema.parse({ type: 'memory' })
  expect(set.types).toEqual(['memory'])
  expect(await set.create(settings, 'here')).toBe('here: 5')
  expect(set.schema.safeParse({ type: 'memory', other: 1 }).success).toBe(false)
  expect(set.schema.safeParse({ type: 'disk' }).success).toBe(false)
})

test('two parts of one type, and a list of none, are mistakes of ours found at start', () => {
  expect(() => pluginSet<string, string>([memory, memory])).toThrow('two plugins share a type')
  expect(() => pluginSet<string, string>([])).toThrow('at least one')
})
