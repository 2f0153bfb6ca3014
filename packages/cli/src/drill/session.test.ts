import { expect, test } from 'vitest'
import type { StackApi } from '../verify/api.ts'
import { plainInk } from './ink.ts'
import { Session } from './session.ts'
import type { Target } from './target.ts'

const silent = { line: () => undefined, log: () => undefined, status: () => undefined, end: () => undefined }
const target: Target = {
  ...{ own: true, dataDir: '/nowhere', ports: { http: 1, mqtt: 1, agent: 1 }, token: undefined, tokenFile: undefined },
  ...{ speed: 60, api: {} as StackApi, victims: [], disk: undefined, uplinkConnected: true },
  ...{ now: () => 0, pid: () => null, kill: () => null, connectUplink: async () => undefined },
}

test('Ctrl-C while a fleet that never ends is let drain ends the drill, with what was learned', async () => {
  const stop = new AbortController()
  const session = new Session({
    ...{ target, options: { durationMs: 20_000, seed: 1, acts: [] }, run: '' },
    display: { screen: silent, ink: plainInk, live: false },
    fleetEnds: () => new Promise(() => undefined),
  })
  const ended = session.run(stop.signal)
  await new Promise((resolve) => setTimeout(resolve, 300))
  stop.abort()
  expect(await ended).toMatchObject({ interrupted: true, ok: false })
})
