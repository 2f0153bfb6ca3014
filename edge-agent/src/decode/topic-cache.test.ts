import { describe, expect, it } from 'vitest'
import { TestNames } from './testing.ts'
import { TopicCache } from './topic-cache.ts'

const found = (topics: readonly string[]) => {
  const cache = new TopicCache(new TestNames())
  const twice = [...topics, ...topics]
  return twice.map((topic) => cache.find(topic)?.topic)
}

describe('the cache of topics', () => {
  it('finds each of more topics than it had room for at first', () => {
    const topics = Array.from({ length: 3_000 }, (_, n) => `telemetry/site-${n % 7}/dev-${n}`)
    expect(found(topics)).toEqual([...topics, ...topics])
  })

  it('tells topics apart that differ only where the choice of a slot does not look', () => {
    const topics = Array.from({ length: 50 }, (_, n) => `telemetry/s/device-${n}/the-metric-of-them-all`)
    expect(found(topics)).toEqual([...topics, ...topics])
  })

  it('finds a topic again whose text is a string of its own', () => {
    const cache = new TopicCache(new TestNames())
    const first = cache.find('telemetry/s/d')
    expect(cache.find(Buffer.from('telemetry/s/d').toString())).toBe(first)
    expect(cache.find('telemetry/s')).toBeUndefined()
  })
})
