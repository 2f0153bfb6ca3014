import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server } from 'node:tls'
import { listsOf } from './tls.ts'

export interface BrokerTls {
  cert: Buffer
  key: Buffer
  /** Authorities of client certificates; a certified client is the device that its certificate names. */
  ca?: Buffer | undefined
  /** Of those authorities: what they have revoked. */
  crl?: Buffer | undefined
  /** With `ca`: false lets clients without a certificate in too, on their credentials. Default true. */
  requireCertificate?: boolean | undefined
}

export interface TlsListenerOptions {
  tls: BrokerTls
  handshakeTimeoutMs: number
  accept(socket: Socket): void
  refused(error: Error, socket: Socket): void
}

export function demandsCertificate({ ca, requireCertificate }: BrokerTls): boolean {
  return ca !== undefined && requireCertificate !== false
}

function contextOf({ cert, key, ca, crl }: BrokerTls): SecureContextOptions {
  return { cert, key, ...(ca && { ca }), ...(crl && { crl: listsOf(crl) }), minVersion: 'TLSv1.2' }
}

function trustOf({ ca, crl }: BrokerTls): Buffer {
  return Buffer.concat([ca ?? Buffer.alloc(0), crl ?? Buffer.alloc(0)])
}

/** Makes TLS of connections given to it; certificate, authorities and revocation lists can be replaced at any time. */
export class TlsListener {
  readonly #server: Server
  #trust: Buffer

  constructor({ tls, handshakeTimeoutMs, accept, refused }: TlsListenerOptions) {
    this.#trust = trustOf(tls)
    this.#server = createServer(
      {
        ...contextOf(tls),
        ...{ requestCert: tls.ca !== undefined, rejectUnauthorized: demandsCertificate(tls) },
        // A session taken up again would not show its certificate.
        secureOptions: constants.SSL_OP_NO_TICKET,
        handshakeTimeout: handshakeTimeoutMs,
      },
      accept,
    )
    this.#server.on('tlsClientError', refused)
  }

  /** Begins the handshake, after which `accept` or `refused` is told. */
  shake(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /** For connections to come; true where whom to trust has changed. */
  renew(tls: BrokerTls): boolean {
    this.#server.setSecureContext({ ...contextOf(tls), secureOptions: constants.SSL_OP_NO_TICKET })
    const former = this.#trust
    this.#trust = trustOf(tls)
    return !former.equals(this.#trust)
  }
}
