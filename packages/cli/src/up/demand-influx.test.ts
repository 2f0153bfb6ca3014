import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { apps } from '../apps.ts'
import { demandInflux } from './demand-influx.ts'

async function answering(status: number, work: (url: string) => Promise<unknown>): Promise<void> {
  const server = createServer((_request, response) => response.writeHead(status).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await work(`http://127.0.0.1:${port}/`).finally(() => server.close())
}

it('takes an InfluxDB with or without passwords, and nothing else', async () => {
  for (const status of [204, 200, 401, 403])
    await answering(status, async (url) => expect(await demandInflux(url)).toBeUndefined())
  await answering(404, (url) => expect(demandInflux(url)).rejects.toMatchObject({ exitCode: 3 }))
})

it('up ends with exit code 3 before anything is started or written where no InfluxDB answers', () => {
  const dataDir = join(tmpdir(), `millrace-no-influx-${process.pid}`)
  const args = [apps.millrace, 'up', '--no-keys', '--data-dir', dataDir, '--influx', 'http://127.0.0.1:9']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
  expect([status, stdout]).toEqual([3, ''])
  expect(stderr).toContain('http://127.0.0.1:9 (--influx)')
  expect(existsSync(dataDir)).toBe(false)
})
