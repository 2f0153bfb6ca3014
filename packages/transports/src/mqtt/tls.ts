import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { UsageError } from '@millrace/pipeline'

const clockHint = 'look at its dates and at the clocks of both machines'

/** What OpenSSL's words mean to the person who has to mend it; looked up by part of the error's code. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/^CERT_HAS_EXPIRED$/, `the other side's certificate has expired: ${clockHint}`],
  [/^CERT_REVOKED$/, "the other side's certificate has been revoked"],
  [/^CRL_HAS_EXPIRED$/, 'the revocation list in `crl` is out of date: it has to be made anew before its next update'],
  [/^UNABLE_TO_GET_CRL$/, 'the revocation list in `crl` is not of the authority that signed the certificate'],
  [/^CERT_NOT_YET_VALID$/, `the other side's certificate is not valid yet: ${clockHint}`],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "the server's certificate is for another host name than the one in `url`"],
  [
    /UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|SELF_SIGNED|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED/,
    "the other side's certificate was signed by an authority that `ca` does not hold",
  ],
  [/ALERT_CERTIFICATE_EXPIRED/, `the other side says that our certificate has expired: ${clockHint}`],
  [/ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ALERT_DECRYPT_ERROR/, 'the other side does not trust our certificate'],
  [
    /CERTIFICATE_REQUIRED|PEER_DID_NOT_RETURN|ALERT_HANDSHAKE_FAILURE/,
    'no client certificate was shown, and one is required: `cert` and `key`',
  ],
  [/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG/, 'one side speaks TLS and the other does not'],
]

/** One plain sentence with the code behind it for an error of TLS; undefined for any other error. */
export function tlsReason(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return undefined
  const found = reasons.find(([pattern]) => pattern.test(code))
  return found && `${found[1]} (${code})`
}

/**
 * Name of the device that holds a client certificate which our authorities signed, empty where that names none or
 * several; undefined for any other connection.
 */
export function certifiedName(socket: unknown): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : ''
}

/** Where a TLS client came from and why it was refused, in words. */
export function refusedHandshake(error: Error, socket: Socket): { address: string; reason: string } {
  return { address: socket.remoteAddress ?? '', reason: refusal(socket) ?? tlsReason(error) ?? error.message }
}

/** Node ends a connection whose certificate does not hold without an error of its own. */
function refusal(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorizationError) return undefined
  const code = String(socket.authorizationError)
  if (code.startsWith('UNABLE_TO_GET_ISSUER_CERT') && !socket.getPeerX509Certificate())
    return 'it showed no certificate'
  return tlsReason({ code }) ?? code
}

/** When a certificate of ours ends, epoch ms. Throws a UsageError where it is none. */
export function notAfterMs(pem: Buffer, setting: string): number {
  return Date.parse(certificateOf(pem, setting).validTo)
}

function certificateOf(pem: Buffer, setting: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    const problem = { path: setting, found: 'a file that is no certificate', expected: 'a certificate in PEM form' }
    throw new UsageError('a certificate cannot be used', [problem], { code: 'secret-unreadable', cause })
  }
}

const endOfPart = /(?<=-----END [^-\n]*-----)/

/** Each part of a PEM file from its first line on; one that is cut off is the last. */
function partsOf(pem: Buffer): string[] {
  return pem
    .toString('latin1')
    .split(endOfPart)
    .filter((part) => part.includes('-----BEGIN '))
}

/** Node takes the first list of a text alone. */
export function listsOf(crl: Buffer): string[] {
  const lists = partsOf(crl)
  return lists.length > 0 ? lists : [crl.toString('latin1')]
}

/** Node leaves out what is no certificate, and would trust nobody where nothing is left. */
function checkAuthorities(ca: Buffer): void {
  const parts = partsOf(ca)
  if (parts.length === 0) throw new Error('`ca` holds no certificate')
  for (const part of parts) new X509Certificate(part)
}

/** Throws a UsageError where certificate and key do not belong together, or one of the files is not what it should be. */
export function checkTls(
  { crl, ...files }: { ca?: Buffer; crl?: Buffer; cert?: Buffer; key?: Buffer },
  setting: string,
): void {
  try {
    if (files.ca) checkAuthorities(files.ca)
    createSecureContext({ ...files, ...(crl && { crl: listsOf(crl) }) })
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    const problem = { path: setting, found, expected: 'PEM files, and the key that belongs to the certificate' }
    throw new UsageError('the TLS files cannot be used', [problem], { code: 'secret-unreadable', cause })
  }
}
