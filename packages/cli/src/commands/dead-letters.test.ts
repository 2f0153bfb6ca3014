import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runLettersList } from './dead-letters.ts'

const letter = { reason: 'bad-json', letters: 2, readings: 2, firstMs: 0, lastMs: 1000, kept: 2, bytes: 9 }
const agent = createServer((_request, response) => response.end(JSON.stringify({ letters: [letter] })))
let agentUrl: string
let nobody: string
let said: string

beforeEach(async () => {
  said = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
  const gone = createServer()
  for (const server of [agent, gone]) await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)))
  const urlOf = (server: typeof gone) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  agentUrl = urlOf(agent)
  nobody = urlOf(gone)
  await new Promise((done) => gone.close(done))
})
afterEach(async () => {
  vi.restoreAllMocks()
  agent.closeAllConnections()
  await new Promise((done) => agent.close(done))
})

const flags = () => ({ dataDir: '/nowhere', at: 'agent', agentUrl, url: nobody })

test('the letters of the service that answers are listed, and the one that does not is named; exit code 3', async () => {
  expect(await runLettersList(flags())).toBe(3)
  expect(said).toMatch(/agent\n {2}bad-json +2 letters[\s\S]*ingest\n {2}not reached: no answer at /)
})

test('programs are told the same', async () => {
  expect(await runLettersList({ ...flags(), json: true })).toBe(3)
  expect(JSON.parse(said)).toEqual({ agent: [letter], ingest: { unreached: expect.stringContaining('ECONNREFUSED') } })
})

test('where both answer the exit code is 0', async () => {
  expect(await runLettersList({ ...flags(), url: agentUrl })).toBe(0)
})
