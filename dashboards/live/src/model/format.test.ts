import { expect, test } from 'vitest'
import {
  formatAge,
  formatLocal,
  formatShare,
  formatSpan,
  formatTick,
  formatUtc,
  formatValue,
  isImplausible,
} from './format.ts'
import { axisRange } from './scale.ts'

test('values have the decimals of their sensor, unknown metrics a few digits', () => {
  expect(formatValue('temperature', 21.4)).toBe('21.40')
  expect(formatValue('co2', 1234.4)).toBe('1,234')
  expect(formatValue('energy', 157_343_121.4)).toBe('157,343,121')
  expect(formatValue('mystery', 0.123456)).toBe('0.1235')
  expect(formatValue('mystery', 1e100)).toBe('1.000e+100')
  expect(formatValue('temperature', Number.NaN)).toBe('–')
  expect(formatTick(-0)).toBe('0')
})

test('a value outside the catalogue range is marked, an unknown metric never is', () => {
  expect(isImplausible('humidity', 130)).toBe(true)
  expect(isImplausible('humidity', 100)).toBe(false)
  expect(isImplausible('mystery', 1e99)).toBe(false)
})

test('ages are whole units, and the future is named', () => {
  expect([0, 1_999, 12_400, 61_000, 7.5 * 3_600_000, 50 * 3_600_000].map(formatAge)).toEqual([
    'now',
    'now',
    '12 s ago',
    '1 min ago',
    '7 h ago',
    '2 d ago',
  ])
  expect(formatAge(-180_000)).toBe('in 3 min')
  expect(formatSpan(900_000)).toBe('15 min')
})

test('a share is 100 % only when nothing is missing', () => {
  expect(formatShare(999_999, 1_000_000)).toBe('99.99 %')
  expect(formatShare(5, 5)).toBe('100 %')
  expect(formatShare(0, 0)).toBe('–')
})

test('local and UTC times name one moment', () => {
  const ms = Date.UTC(2026, 10, 20, 23, 5, 9)
  expect(formatUtc(ms)).toBe('2026-11-20 23:05:09 UTC')
  expect(new Date(formatLocal(ms)).getTime()).toBe(ms)
})

test('the value axis never magnifies noise below the sensor and keeps states between 0 and 1', () => {
  expect(axisRange('temperature', [20, 20])).toEqual([20 - 0.02, 20 + 0.02])
  expect(axisRange('door', [0, 0])).toEqual([-0.2, 1.2])
  const [low, high] = axisRange('mystery', [0, 10])
  expect([low, high]).toEqual([-1.2, 11.2])
})
