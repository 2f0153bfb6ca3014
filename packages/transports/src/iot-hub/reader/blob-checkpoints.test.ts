import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBlobCheckpoints } from './blob-checkpoints.ts'

/** A storage account as a signature for one container meets it: it may list, read and write blobs, and make nothing. */
class SignedContainer {
  readonly asked: string[] = []
  refusal = { status: 403, code: 'AuthorizationFailure' }
  listing = true
  private readonly server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
    this.asked.push(`${request.method} ${pathname} ${searchParams.get('comp') ?? searchParams.get('restype')}`)
    const lists = request.method === 'GET' && this.listing && searchParams.get('sig') === 'abc'
    const { status, code } = lists ? { status: 200, code: '' } : this.refusal
    response.writeHead(status, {
      'content-type': 'application/xml',
      ...(code === '' ? {} : { 'x-ms-error-code': code }),
    })
    const empty = '<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>'
    response.end(lists ? empty : `<Error><Code>${code}</Code><Message>no</Message></Error>`)
  })

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    const { port } = this.server.address() as AddressInfo
    return `BlobEndpoint=http://127.0.0.1:${port}/;SharedAccessSignature=sv=2024-11-04&sr=c&sp=crwl&sig=abc`
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

describe('checkpoints opened by a signature for one container', () => {
  let folder: string
  let account: SignedContainer
  let settings: { connectionStringFile: string; container: string }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-blob-'))
    account = new SignedContainer()
    settings = { connectionStringFile: join(folder, 'checkpoints.connection'), container: 'checkpoints' }
    writeFileSync(settings.connectionStringFile, `${await account.listen()}\n`, { mode: 0o600 })
  })
  afterEach(async () => {
    await account.close()
    rmSync(folder, { recursive: true })
  })

  test('are read although it may not make the container', async () => {
    const { store, prepare } = openBlobCheckpoints(settings)
    await prepare()
    expect(await store.listCheckpoints('ns', 'hub', 'millrace')).toEqual([])
    expect(account.asked).toEqual(['PUT /checkpoints container', 'GET /checkpoints list'])
  })

  test('fail when they are read where the signature opens nothing', async () => {
    account.listing = false
    const { store, prepare } = openBlobCheckpoints(settings)
    await prepare()
    await expect(store.listCheckpoints('ns', 'hub', 'millrace')).rejects.toThrow()
  })

  test('fail at once where the account refuses for another reason', async () => {
    account.refusal = { status: 400, code: 'InvalidResourceName' }
    await expect(openBlobCheckpoints(settings).prepare()).rejects.toThrow()
  })
})
