import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../edge-agent/src/testing/seeded-random.ts'
import { Disk } from './disk.ts'
import type { Step } from './steps.ts'
import { everything, nothing, type Whim, whimOf } from './whims.ts'

const write = (at: number, offset: number, text: string): Step => {
  return { at, kind: 'write', file: 0, offset, bytes: Buffer.from(text) }
}
const made: Step[] = [
  { at: 1, kind: 'make', path: 'a', file: 0 },
  { at: 2, kind: 'flush-folder', path: '', covers: 2 },
]

function textAfter(steps: readonly Step[], whim: Whim, at = 1_000): string | undefined {
  const disk = new Disk(steps)
  disk.advance(at)
  return disk.cut(whim).files[0]?.bytes.toString()
}

/** Keeps what is asked for, by place. */
const only = (...kept: number[]): Whim => {
  return {
    name: 'only',
    keepsName: (at) => kept.includes(at),
    fate: (at) => (kept.includes(at) ? 'kept' : 'dropped'),
    keepsSector: () => false,
  }
}

test('what was flushed is there, what was not may be missing', () => {
  const steps = [...made, write(3, 0, 'old'), { at: 5, kind: 'flush', file: 0, covers: 4 } as Step, write(6, 0, 'new')]
  expect(textAfter(steps, nothing())).toBe('old')
  expect(textAfter(steps, everything())).toBe('new')
  expect(textAfter(steps, nothing(), 5)).toBe('')
})

test('a flush covers what was written before it began, not what came while it ran', () => {
  const steps = [
    ...made,
    write(3, 0, 'before'),
    write(5, 6, 'while'),
    { at: 6, kind: 'flush', file: 0, covers: 4 } as Step,
  ]
  expect(textAfter(steps, nothing())).toBe('before')
})

test('of writes that follow each other any may be there without the others', () => {
  const steps = [...made, write(3, 0, 'x'.repeat(512)), write(4, 512, 'y'.repeat(512))]
  expect(textAfter(steps, only(4))).toBe('\0'.repeat(512) + 'y'.repeat(512))
  expect(textAfter(steps, only(3))).toBe('x'.repeat(512))
})

test('a sector goes to the disk as it is at that moment, with every earlier write to it', () => {
  const steps = [...made, write(3, 0, 'first'), write(4, 5, 'second')]
  expect(textAfter(steps, only(4))).toBe('firstsecond')
})

test('a torn write is there in whole sectors', () => {
  const whim: Whim = { ...nothing(), fate: () => 'torn', keepsSector: (_at, part) => part === 1 }
  const text = 'a'.repeat(512) + 'b'.repeat(512) + 'c'.repeat(512)
  expect(textAfter([...made, write(3, 0, text)], whim)).toBe('\0'.repeat(1024) + 'c'.repeat(512))
})

test('a truncation that was not flushed may be undone', () => {
  const full = [...made, write(3, 0, 'content'), { at: 5, kind: 'flush', file: 0, covers: 4 } as Step]
  const steps = [...full, { at: 6, kind: 'truncate', file: 0, length: 3 } as Step]
  expect(textAfter(steps, nothing())).toBe('content')
  expect(textAfter(steps, everything())).toBe('con')
})

test('a name is certain once its own folder was flushed, whatever was flushed of the file', () => {
  const steps: Step[] = [
    { at: 1, kind: 'make', path: 'd', file: -1 },
    { at: 2, kind: 'make', path: 'd/new', file: 0 },
    write(3, 0, 'x'),
    { at: 4, kind: 'flush', file: 0, covers: 4 },
    { at: 5, kind: 'flush-folder', path: 'd', covers: 5 },
    { at: 6, kind: 'rename', path: 'd/new', to: 'd/file' },
    { at: 7, kind: 'flush-folder', path: '', covers: 7 },
    { at: 8, kind: 'flush-folder', path: 'd', covers: 8 },
  ]
  const names = (at: number, whim: Whim) => {
    const disk = new Disk(steps)
    disk.advance(at)
    return disk.cut(whim).files.map(({ path }) => path)
  }
  expect(names(7, nothing())).toEqual([])
  expect(names(8, nothing())).toEqual(['d/new'])
  expect(names(8, everything())).toEqual(['d/file'])
  expect(names(9, nothing())).toEqual(['d/file'])
})

test('whatever the whim, what was flushed and not written again is as it was, and the rest is old or new', () => {
  const writes = fc.array(fc.record({ offset: fc.nat(3000), size: fc.integer({ min: 1, max: 1500 }) }))
  fc.assert(
    fc.property(writes, writes, fc.nat(), (flushed, unflushed, seed) => {
      const list = [...flushed, ...unflushed]
      const steps: Step[] = list.map(({ offset, size }, index) => {
        return { at: 10 + index, kind: 'write', file: 0, offset, bytes: Buffer.alloc(size, index + 1) }
      })
      const covers = 10 + flushed.length
      steps.splice(flushed.length, 0, { at: covers, kind: 'flush', file: 0, covers })
      const disk = new Disk([...made, ...steps])
      disk.advance(1_000_000)
      const before = disk.cut(nothing()).files[0]!.bytes
      const image = disk.cut(whimOf(seededRandom(seed), { from: covers, to: 10 + list.length })).files[0]!.bytes
      const isPossible = (byte: number, at: number) => {
        const later = unflushed.findIndex(({ offset, size }) => at >= offset && at < offset + size)
        if (byte === (before[at] ?? 0)) return true
        return later >= 0 && byte > flushed.length && byte <= list.length
      }
      expect(image.byteLength).toBeGreaterThanOrEqual(before.byteLength)
      expect(image.findIndex((byte, at) => !isPossible(byte, at))).toBe(-1)
    }),
    { numRuns: 200 },
  )
})
