import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Blob {
  etag: string
  modified: string
  metadata: Record<string, string>
}

/** Blob storage as far as checkpoints need it: metadata of empty blobs, changed under a condition, and lists. */
export class BlobContainer {
  readonly blobs = new Map<string, Blob>()
  private changes = 0
  private readonly server = createServer((request, response) => this.answer(request, response))

  /** Returns the connection string of an account that has this container and no other. */
  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    const { port } = this.server.address() as AddressInfo
    const key = createHash('sha256').update('test').digest('base64')
    const end = `BlobEndpoint=http://127.0.0.1:${port}/account`
    return `DefaultEndpointsProtocol=http;AccountName=account;AccountKey=${key};${end}`
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
    const [, , , ...rest] = pathname.split('/')
    const name = decodeURIComponent(rest.join('/'))
    request.resume()
    if (searchParams.get('restype') === 'container' && request.method === 'PUT') this.send(response, 201)
    else if (searchParams.get('comp') === 'list') this.list(response, searchParams.get('prefix') ?? '')
    else this.put(request, response, name)
  }

  private put({ headers, url = '' }: IncomingMessage, response: ServerResponse, name: string): void {
    const known = this.blobs.get(name)
    const condition = headers['if-match']
    if (url.includes('comp=metadata') && !known) {
      this.refuse(response, 404, 'BlobNotFound')
      return
    }
    if (condition !== undefined && condition !== known?.etag) {
      this.refuse(response, 412, 'ConditionNotMet')
      return
    }
    const found = Object.entries(headers).filter(([key]) => key.startsWith('x-ms-meta-'))
    const metadata = Object.fromEntries(found.map(([key, value]) => [key.slice('x-ms-meta-'.length), String(value)]))
    this.changes++
    const blob = { etag: `"${this.changes}"`, modified: new Date().toUTCString(), metadata }
    this.blobs.set(name, blob)
    this.send(response, url.includes('comp=metadata') ? 200 : 201, blob)
  }

  private list(response: ServerResponse, prefix: string): void {
    const found = [...this.blobs].filter(([name]) => name.startsWith(prefix))
    const items = found.map(([name, { etag, modified, metadata }]) => {
      const values = Object.entries(metadata).map(([key, value]) => `<${key}>${value}</${key}>`)
      const properties = `<Last-Modified>${modified}</Last-Modified><Etag>${etag}</Etag><BlobType>BlockBlob</BlobType>`
      return `<Blob><Name>${name}</Name><Properties>${properties}</Properties><Metadata>${values.join('')}</Metadata></Blob>`
    })
    const body = `<?xml version="1.0"?><EnumerationResults><Blobs>${items.join('')}</Blobs><NextMarker/></EnumerationResults>`
    response.writeHead(200, { 'content-type': 'application/xml' }).end(body)
  }

  private refuse(response: ServerResponse, ...[status, code]: [status: number, code: string]): void {
    const headers = { 'content-type': 'application/xml', 'x-ms-error-code': code }
    response.writeHead(status, headers).end(`<Error><Code>${code}</Code><Message>no</Message></Error>`)
  }

  private send(response: ServerResponse, status: number, blob?: Blob): void {
    response.writeHead(status, blob ? { etag: blob.etag, 'last-modified': blob.modified } : {}).end()
  }
}
