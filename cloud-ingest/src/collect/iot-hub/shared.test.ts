import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig, createMeters, silentLogger } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import { openHubLink } from './link.ts'
import { iotHubSettings } from './settings.ts'

const hub = 'Endpoint=sb://localhost:1;SharedAccessKeyName=name;SharedAccessKey=a2V5;EntityPath=hub'
const storage = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a'

test('an ingest that shares its hub says so: rows in its stores may be of another one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-shared-'))
  const secret = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const isShared = async (checkpoints: object) => {
    const settings = { connectionStringFile: secret('hub', hub), checkpoints }
    const context = { log: silentLogger, meters: createMeters('test') }
    return (await openHubLink(checkConfig(settings, iotHubSettings, 'the test'), context)).isShared
  }
  expect(await isShared({ type: 'file', dir: folder })).toBe(false)
  const blob = { type: 'blob', connectionStringFile: secret('storage', storage), container: 'checkpoints' }
  expect(await isShared(blob)).toBe(true)
  rmSync(folder, { recursive: true })
})
