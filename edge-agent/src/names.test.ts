import { describe, expect, it } from 'vitest'
import { Names, noBoot, noDevice, noSeries } from './names.ts'

const make = (maxSeries = 100) => new Names({ site: 'hall', maxSeries })

describe('names', () => {
  it('are the same ids after a restart, and new ones are handed out once', () => {
    const before = make()
    const device = before.device('hall', 'd1')
    const ids = [device, before.series(device, 'energy'), before.boot('a1'), before.series(device, 'temperature')]
    const rows = before.takeNew()
    expect(before.takeNew()).toEqual([])
    const after = make()
    after.restore(rows)
    const again = [after.device('hall', 'd1'), after.series(device, 'energy'), after.boot('a1')]
    expect([...again, after.series(device, 'temperature')]).toEqual(ids)
    expect(after.takeNew()).toEqual([])
    expect(after.kindOf(ids[1]!)).toBe('counter')
    expect(after.deviceOf(ids[3]!)).toBe(device)
  })

  it('come back in order when their commit failed', () => {
    const names = make()
    names.device('hall', 'd1')
    const lost = names.takeNew()
    names.device('hall', 'd2')
    names.giveBack(lost)
    expect(names.takeNew().map(({ name }) => name)).toEqual(['d1', 'd2'])
  })

  it('stop at the limit, so that hostile names cannot fill the memory', () => {
    const names = make(2)
    const devices = ['a', 'b', 'c'].map((name) => names.device('hall', name))
    expect(devices[2]).toBe(noDevice)
    expect(['x', 'y', 'z'].map((metric) => names.series(devices[0]!, metric)).at(-1)).toBe(noSeries)
    expect(['x', 'y', 'z'].map((boot) => names.boot(boot)).at(-1)).toBe(noBoot)
    expect(names.device('hall', 'a')).toBe(devices[0])
  })

  it('keep devices of one name at two sites apart', () => {
    const names = make()
    expect(names.device('hall', 'd')).not.toBe(names.device('yard', 'd'))
    expect(names.siteOf(names.device('yard', 'd'))).toBe('yard')
  })
})
