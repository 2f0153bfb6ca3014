import type { AgentExplanation, ExplainedPart, IngestExplanation } from '@millrace/contracts'
import { expect, test } from 'vitest'
import type { Found } from './ask.ts'
import { explanationText } from './text.ts'

const moment = Date.UTC(2026, 0, 5, 12)
const part = (agent: string): ExplainedPart => ({
  ...{ agent, spool: `${agent}-spool`, start: moment, lengthMs: 60_000, rev: 0, count: 5 },
  ...{ amended: 0, duplicate: 0, unstamped: 0, refused: false, committedMs: moment, message: null, stores: [] },
})
const ingest: IngestExplanation = {
  at: moment,
  series: { site: 'a', device: 'd', metric: 'm', known: true, unit: '', lastTs: moment },
  ...{ rows: [], provisional: null, parts: [part('pi-1'), part('pi-2')], completeness: [], sources: [] },
  ...{ deadLetters: [], keepPartsMs: 0 },
}
const agent: AgentExplanation = {
  ...{ agent: 'pi-1', spool: 'pi-1-spool', epoch: 'e', settingsHash: 'h', nowMs: moment, site: 'a', device: 'd' },
  ...{ watermarkMs: moment, floorMs: null, lastArrivalMs: null, accepted: 5, open: 0, setAside: {}, openWindows: [] },
  clock: { state: 'good', offsetMs: 0, driftPpm: 0, jitterMs: 0 },
}
const found = (more: Partial<Found>): Found => ({
  ...{ series: { site: 'a', device: 'd', metric: 'm' }, moment, agent, ingest },
  ...{ unreached: { agent: null, ingest: null }, nearest: [] },
  ...more,
})
const hints = (more: Partial<Found>) =>
  [...explanationText(found(more)).matchAll(/(\S+) has a part of it/g)].map((m) => m[1])

test('agents that have a part of the window and were not asked are named; those that cannot be told apart are not', () => {
  expect(hints({})).toEqual(['pi-2'])
  expect(hints({ agent: null })).toEqual(['pi-1', 'pi-2'])
  expect(hints({ agent: null, unreached: { agent: 'no answer', ingest: null } })).toEqual([])
  expect(hints({ ingest: { ...ingest, parts: [part('pi-1')] } })).toEqual([])
})
