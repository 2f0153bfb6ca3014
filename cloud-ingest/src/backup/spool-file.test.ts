import { expect, test } from 'vitest'
import { writeWhole } from './spool-file.ts'

test('a spool is whole where the system takes a few bytes at a time', () => {
  let whole = ''
  writeWhole(1, Buffer.from('ten bytes.'), (_handle, bytes) => {
    const taken = Buffer.from(bytes).subarray(0, 3)
    whole += taken.toString()
    return taken.length
  })
  expect(whole).toBe('ten bytes.')
})
