import type { InspectedSpool } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { inspectedText } from './spool-text.ts'

const spool: InspectedSpool = {
  ...{ kind: 'agent', file: '/data/agent/spool.db', bytes: 12_345, logBytes: 0, running: false },
  ...{ application: 'edge-agent', name: 'ab12', version: 1, problem: null, unreadable: {}, tables: [] },
  journal: { entries: 1200, bytes: 99_000, first: 1077, last: 2276 },
  outbox: [],
  numbers: [
    {
      site: 'home',
      newest: 1002,
      receipted: [
        [0, 1000],
        [1002, 1002],
      ],
      givenUp: [],
    },
    { site: 'n\u001b[2J', newest: 2, receipted: [], givenUp: [] },
  ],
  letters: [{ reason: 'bad-json', letters: 1, readings: 1, firstMs: 0, lastMs: 1500, kept: 1, bytes: 7 }],
}

test('what a spool holds is told in words, in columns, with moments in UTC', () => {
  expect(inspectedText(spool).split('\n')).toEqual([
    '/data/agent/spool.db',
    'edge-agent, spool ab12, version 1, 12,345 bytes and 0 of log, not in use',
    'journal: entries 1,200, bytes 99,000, first 1077, last 2276',
    'outbox: none',
    'numbers:',
    '  site        newest  receipted      given up',
    '  home          1002  0..1000, 1002  none',
    '  n\\u{1b}[2J       2  none           none',
    'letters:',
    '  reason    letters  readings  first                last                     kept  bytes',
    '  bad-json        1         1  1970-01-01 00:00:00  1970-01-01 00:00:01.500     1      7',
  ])
})

test('a damaged file says what is wrong before anything else of it', () => {
  const damaged = { ...spool, problem: 'not a database', unreadable: { sets: 'malformed' } }
  expect(inspectedText(damaged).split('\n').slice(2, 4)).toEqual([
    'PROBLEM: not a database',
    'cannot be read: sets: malformed',
  ])
})
