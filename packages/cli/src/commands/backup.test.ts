import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataFolderHeader, dataFolderId, type UsageError } from '@millrace/pipeline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ingestDataIn } from '../up/config-files.ts'
import { writeRunFile } from '../up/run-file.ts'
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
  writeFileSync(tokenFile, 'a-long-enough-token\n', { mode: 0o600 })
  const asked = await withIngest(200, async (url) => {
    await expect(runBackup({ to, dataDir: folder, url, tokenFile, store: 'duckdb' })).rejects.toThrow()
  })
  expect(asked).toBe('/api/backup?store=duckdb backup Bearer a-long-enough-token')
  await withIngest(401, async (url) => {
    await expect(runBackup({ to, dataDir: folder, url })).rejects.toThrow(/401: half of no/)
  })
  expect(readdirSync(to)).toEqual([])
})

interface Other {
  port: number
  url: string
  /** How often it was asked. */
  asked(): number
}

/** An ingest on this data folder, as one of today answers or as one that does not compare folders. */
async function withIngestOn(dataFolder: string, work: (ingest: Other) => Promise<void>, compares = true) {
  let asked = 0
  const own = dataFolderId(dataFolder)
  const server = createServer((request, response) => {
    asked++
    const meant = request.headers[dataFolderHeader]
    response.writeHead(compares && meant !== undefined && meant !== own ? 409 : 200, { [dataFolderHeader]: own })
    response.end('everything')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await work({ port, url: `http://127.0.0.1:${port}`, asked: () => asked }).finally(() => server.close())
}

const runOf = (pid: number | null, http: number) => ({
  ...{ pid, startedAt: 0, processes: {} },
  ports: { http, mqtt: 1, agent: 1, cloudMqtt: 1, relay: 1 },
})
const endedPid = () => spawnSync(process.execPath, ['--version']).pid
const madeIn = () => readdirSync(to).map((name) => readFileSync(join(to, name), 'utf8'))

it('takes nothing from another stack that has the port of a stopped or killed one', async () => {
  await withIngestOn(join(folder, 'another'), async ({ port, asked }) => {
    for (const pid of [null, endedPid()]) {
      writeRunFile(folder, runOf(pid, port))
      expect(await pathsOf(runBackup({ to, dataDir: folder }))).toEqual(['--config'])
    }
    expect(asked()).toBe(0)
  })
  for (const compares of [true, false])
    await withIngestOn(
      join(folder, 'another'),
      async ({ port, asked }) => {
        writeRunFile(folder, runOf(process.pid, port))
        expect(await pathsOf(runBackup({ to, dataDir: folder }))).toEqual(['--config'])
        expect(asked()).toBe(1)
      },
      compares,
    )
  expect(madeIn()).toEqual([])
})

it('takes what its own running ingest says, and any at the address that is named', async () => {
  await withIngestOn(ingestDataIn(folder), async ({ port, url }) => {
    writeRunFile(folder, runOf(process.pid, port))
    expect(await runBackup({ to, dataDir: folder })).toBe(0)
    expect(await runBackup({ to: join(folder, 'named'), dataDir: join(folder, 'none'), url })).toBe(0)
  })
  expect(madeIn()).toEqual(['everything'])
})

it('asks the ingest of a config file at the address in that file', async () => {
  const config = join(folder, 'ingest.yaml')
  const dataDir = join(folder, 'other')
  await withIngestOn(dataDir, async ({ port, asked }) => {
    for (const host of ['127.0.0.1', '0.0.0.0', 'localhost']) {
      writeFileSync(config, stringify({ dataDir, http: { host, port }, stores: [{ type: 'duckdb' }] }))
      expect(await runBackup({ to: join(folder, host), dataDir: folder, config })).toBe(0)
    }
    expect(asked()).toBe(3)
    writeFileSync(config, stringify({ dataDir: join(folder, 'stopped'), http: { port } }))
    expect(await runBackup({ to, dataDir: folder, config })).toBe(2)
  })
  expect(madeIn()).toEqual([])
})

it('takes the token of an ingest from its config file, unless another is named', async () => {
  const config = join(folder, 'ingest.yaml')
  const token = (name: string) => {
    const file = join(folder, name)
    writeFileSync(file, `a-long-enough-token-of-${name}\n`, { mode: 0o600 })
    return file
  }
  const settings = (port: number) => ({ dataDir: folder, http: { port, tokenFile: token('config') } })
  const ask = (flags: object) =>
    withIngest(401, async (url) => {
      writeFileSync(config, stringify(settings(Number(new URL(url).port))))
      // It does not say on which folder it runs, so it is not believed; what it was asked with is seen.
      await runBackup({ to, dataDir: folder, config, ...flags }).catch(() => undefined)
    })
  expect(await ask({})).toMatch(/Bearer a-long-enough-token-of-config$/)
  expect(await ask({ tokenFile: token('flag') })).toMatch(/Bearer a-long-enough-token-of-flag$/)
})
