import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import forge from 'node-forge'
import type { ServerCertificate } from '../types.ts'

const dayMs = 24 * 3_600_000
const authorityDays = 3650
const serverDays = 365
const renewDays = 30

interface Pair {
  cert: string
  key: string
}

interface Request {
  commonName: string
  days: number
  nowMs: number
  extensions: object[]
  /** Absent: signed by itself. */
  issuer?: Pair
}

function newPair() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { privateKey, publicKey }
}

function issue({ commonName, days, nowMs, extensions, issuer }: Request): Pair {
  const { privateKey, publicKey } = newPair()
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  // DER takes neither a number that would be negative nor one with zeros before it.
  certificate.serialNumber = `4d${randomBytes(15).toString('hex')}`
  // A day back, for clients whose clock is behind.
  certificate.validity.notBefore = new Date(nowMs - dayMs)
  certificate.validity.notAfter = new Date(nowMs + days * dayMs)
  const subject = [{ name: 'commonName', value: commonName }]
  const issuerCertificate = issuer && forge.pki.certificateFromPem(issuer.cert)
  certificate.setSubject(subject)
  certificate.setIssuer(issuerCertificate?.subject.attributes ?? subject)
  certificate.setExtensions(extensions)
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? privateKey), forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey }
}

function altNames(names: readonly string[]): object[] {
  return names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name }))
}

/** A self-signed certificate of a device, as people make with openssl for X.509 authentication. */
export function makeDeviceCertificate(deviceId: string, nowMs: number): Pair & { thumbprint: string } {
  const extensions = [{ name: 'extKeyUsage', clientAuth: true }]
  const pair = issue({ commonName: deviceId, days: serverDays, nowMs, extensions })
  return { ...pair, thumbprint: new X509Certificate(pair.cert).fingerprint.replaceAll(':', '') }
}

function makeAuthority(nowMs: number): Pair {
  const extensions = [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]
  const commonName = `Millrace local IoT Hub CA ${randomBytes(4).toString('hex')}`
  return issue({ commonName, days: authorityDays, nowMs, extensions })
}

function makeServer(issuer: Pair, { names, nowMs }: { names: readonly string[]; nowMs: number }): Pair {
  const extensions = [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: altNames(names) },
    { name: 'subjectKeyIdentifier' },
  ]
  return issue({ commonName: names[0]!, days: serverDays, nowMs, extensions, issuer })
}

function readPair(folder: string, name: string): Pair | undefined {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  if (!existsSync(cert) || !existsSync(key)) return undefined
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

function writePair(folder: string, name: string, pair: Pair): Pair {
  writeFileSync(join(folder, `${name}.key`), pair.key, { mode: 0o600 })
  writeFileSync(join(folder, `${name}.crt`), pair.cert)
  return pair
}

function lasts(pair: Pair | undefined, nowMs: number): pair is Pair {
  return pair !== undefined && new X509Certificate(pair.cert).validToDate.getTime() > nowMs + renewDays * dayMs
}

function covers(pair: Pair, authority: Pair, names: readonly string[]): boolean {
  const certificate = new X509Certificate(pair.cert)
  const named = names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)))
  return named && certificate.verify(new X509Certificate(authority.cert).publicKey)
}

export interface CertificateOptions {
  folder: string
  /** Host names and addresses that clients use. */
  names: readonly string[]
  nowMs: number
}

/** The hub's own authority, made once and kept, and a server certificate for these names that lasts 30 days more. */
export function serverCertificate({ folder, names, nowMs }: CertificateOptions): ServerCertificate {
  mkdirSync(folder, { recursive: true })
  const known = readPair(folder, 'ca')
  const authority = lasts(known, nowMs) ? known : writePair(folder, 'ca', makeAuthority(nowMs))
  const before = readPair(folder, 'server')
  const fits = lasts(before, nowMs) && covers(before, authority, names)
  const { cert, key } = fits ? before : writePair(folder, 'server', makeServer(authority, { names, nowMs }))
  return { cert, key, ca: authority.cert, caFile: join(folder, 'ca.crt') }
}
