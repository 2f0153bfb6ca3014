import { expect, test } from 'vitest'
import { fitted, terminalScreen } from '../up/screen.ts'
import { boardLines, spark } from './board.ts'
import { colourInk, plainInk } from './ink.ts'
import { clockTime, eventSpan, list, span, wrap } from './words.ts'

/** What stands on a terminal after the text, as far as these screens move about in it. */
function standing(text: string): string[] {
  const lines = ['']
  let row = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's own language
  for (const part of text.match(/\x1b\[1A|\x1b\[2K|\r|\n|[^\x1b\r\n]+/g) ?? []) {
    if (part === '\x1b[1A') row--
    else if (part === '\x1b[2K') lines[row] = ''
    else if (part === '\n') {
      row++
      lines[row] ??= ''
    } else if (part !== '\r') lines[row] += part
  }
  return lines
}

test('lines stay above a status of several lines, which is replaced and leaves nothing behind', () => {
  let text = ''
  const screen = terminalScreen({ write: (more) => (text += more), columns: 40 })
  screen.status('one\ntwo\nthree')
  screen.line('happened')
  screen.status('four\nfive')
  screen.line('again')
  expect(standing(text).slice(0, 4)).toEqual(['happened', 'again', 'four', 'five'])
  screen.end()
  screen.line('over')
  expect(standing(text).filter((line) => line !== '')).toEqual(['happened', 'again', 'over'])
})

test('a line is cut at the width, and its colours do not count', () => {
  expect(fitted('plain words', 5)).toBe('plain\x1b[0m')
  expect(fitted('short', 5)).toBe('short')
  expect(fitted(colourInk.good('green'), 5)).toBe(colourInk.good('green'))
  expect(fitted(colourInk.good('green and more'), 5)).toBe('\x1b[32mgreen\x1b[0m')
})

test('the board tells what is down', () => {
  const acts = [{ name: 'kills', lengthMs: 1 } as const]
  const view = { elapsedMs: 61_000, durationMs: 120_000, acts, current: 0, kills: 3, ageMs: 2_400, ages: [0, 5_000] }
  const board = { ...view, running: { agent: true, broker: false }, uplink: false, well: false, outbox: [0, 80] }
  const text = boardLines({ ...board, accounts: undefined }, plainInk).join('\n')
  for (const part of [
    '1:01 of 2:00',
    'kills 3',
    '● agent',
    '○ broker',
    '○ uplink cut',
    '2.4 s',
    '▁█ 80',
    'does not answer',
  ])
    expect(text).toContain(part)
})

test('small pictures and words', () => {
  expect(spark([0, 10, 20], 10)).toBe('▁▅█')
  expect(spark([1, 1], 100)).toBe('▁▁')
  expect([span(840), span(2_400), span(125_000)]).toEqual(['840 ms', '2.4 s', '2 min 5 s'])
  expect([eventSpan(20_000), eventSpan(840_000), eventSpan(9_000_000)]).toEqual(['20 s', '14 min', '2.5 h'])
  expect([clockTime(65_000), list(['a']), list(['a', 'b', 'c'])]).toEqual(['1:05', 'a', 'a, b and c'])
  expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
})
