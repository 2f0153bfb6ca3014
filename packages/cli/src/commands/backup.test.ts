import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UsageError } from '@millrace/pipeline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runBackup } from './backup.ts'
import { runRestore } from './restore.ts'

let folder: string
let to: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace backup '))
  to = join(folder, 'backups')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const pathsOf = async (work: Promise<unknown>) => {
  const error = (await work.catch((thrown: unknown) => thrown)) as UsageError
  return error.problems.map(({ path }) => path)
}

/** An ingest that answers so, and then breaks off where it is told to. */
async function withIngest(status: number, work: (url: string) => Promise<void>): Promise<string | undefined> {
  let asked: string | undefined
  const server = createServer((request, response) => {
    asked = `${request.url} ${request.headers['x-millrace']} ${request.headers.authorization}`
    response.writeHead(status).write('half of ')
    if (status === 200) response.destroy()
    else response.end('no')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
  return asked
}

it('names what is missing where neither an ingest runs nor its config is found', async () => {
  const dataDir = join(folder, 'none')
  expect(await pathsOf(runRestore({ from: join(folder, 'none'), dataDir }))).toEqual(['--from'])
  expect(await pathsOf(runRestore({ from: folder, dataDir }))).toEqual(['--from'])
  writeFileSync(join(folder, '2026.millrace-backup'), '')
  expect(await pathsOf(runRestore({ from: folder, dataDir }))).toEqual(['--config'])
  await expect(runBackup({ to, dataDir, url: 'http://127.0.0.1:9' })).rejects.toThrow(/no answer at/)
  expect(readdirSync(to)).toEqual([])
})

it('leaves no half of a backup behind, and says what the ingest said', async () => {
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, 'a-long-enough-token\n')
  const asked = await withIngest(200, async (url) => {
    await expect(runBackup({ to, dataDir: folder, url, tokenFile, store: 'duckdb' })).rejects.toThrow()
  })
  expect(asked).toBe('/api/backup?store=duckdb backup Bearer a-long-enough-token')
  await withIngest(401, async (url) => {
    await expect(runBackup({ to, dataDir: folder, url })).rejects.toThrow(/401: half of no/)
  })
  expect(readdirSync(to)).toEqual([])
})
