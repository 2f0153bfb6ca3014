import { UsageError } from '@millrace/pipeline'
import { readKey, readPem } from './settings.ts'
import { checkTls } from './tls.ts'
import type { BrokerTls } from './tls-listener.ts'

/** PEM files of a listener, as they stand in config files. */
export interface BrokerTlsSettings {
  cert?: string | undefined
  key?: string | undefined
  ca?: string | undefined
  crl?: string | undefined
  requireCertificate: boolean
}

export function tlsFiles({ cert, key, ca, crl }: BrokerTlsSettings): string[] {
  return [cert, key, ca, crl].filter((file) => file !== undefined)
}

function misfit(path: string, expected: string): UsageError {
  return new UsageError('the TLS settings do not fit together', [{ path, found: 'nothing', expected }])
}

/** Undefined without TLS settings; throws a UsageError where they are half of what is needed, or a file does not hold. */
export function readBrokerTls(settings: BrokerTlsSettings): BrokerTls | undefined {
  const { cert, key, ca, crl, requireCertificate } = settings
  if (tlsFiles(settings).length === 0) return undefined
  if (cert === undefined || key === undefined) {
    const path = cert === undefined ? 'collect.cert' : 'collect.key'
    throw misfit(path, "a PEM file: the listener's certificate and key go together")
  }
  if (crl !== undefined && ca === undefined) throw misfit('collect.ca', 'the authorities whose list `crl` is')
  const files = {
    ...{ cert: readPem(cert, 'collect.cert'), key: readKey(key, 'collect.key') },
    ...(ca !== undefined && { ca: readPem(ca, 'collect.ca') }),
    ...(crl !== undefined && { crl: readPem(crl, 'collect.crl') }),
  }
  checkTls(files, 'collect.cert')
  return { ...files, requireCertificate }
}
