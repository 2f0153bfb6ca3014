import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface CertificateFiles {
  cert: string
  key: string
}

/** An authority made by openssl for one test, in a folder of the test's own. */
export class Authority {
  readonly file: string
  readonly #folder: string
  readonly #name: string

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
    this.file = join(folder, `${name}.crt`)
    openssl('req', '-x509', ...newKey(this.#keyFile), '-out', this.file, '-subj', `/CN=${name}`, '-days', '2')
  }

  /** A certificate for the name, and for 127.0.0.1; of `days` 0 it has expired at once. */
  issue(name: string, days = 2): CertificateFiles {
    return this.issueTo(`/CN=${name}`, { name, days })
  }

  /** A certificate for any subject, such as one without a common name. */
  issueTo(subject: string, { name, days = 2 }: { name: string; days?: number }): CertificateFiles {
    const path = join(this.#folder, `${this.#name}-${name}-${days}`)
    const files = { cert: `${path}.crt`, key: `${path}.key` }
    const san = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
    openssl('req', ...newKey(files.key), '-out', `${path}.csr`, '-subj', subject, '-addext', san)
    const signing = ['-CA', this.file, '-CAkey', this.#keyFile, '-CAcreateserial', '-copy_extensions', 'copy']
    openssl('x509', '-req', '-in', `${path}.csr`, ...signing, '-out', files.cert, '-days', String(days))
    chmodSync(files.key, 0o600)
    return files
  }

  /** Valid between two moments, epoch ms. */
  issueBetween(name: string, fromMs: number, toMs: number): CertificateFiles {
    const path = join(this.#folder, `${this.#name}-${name}-${fromMs}-${toMs}`)
    const files = { cert: `${path}.crt`, key: `${path}.key` }
    const san = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
    openssl('req', ...newKey(files.key), '-out', `${path}.csr`, '-subj', `/CN=${name}`, '-addext', san)
    const dates = ['-startdate', asn1Time(fromMs), '-enddate', asn1Time(toMs)]
    openssl('ca', ...this.#register(), '-batch', '-notext', ...dates, '-in', `${path}.csr`, '-out', files.cert)
    chmodSync(files.key, 0o600)
    return files
  }

  /** Writes the list of what is revoked: these certificates and all before. */
  revoke(...certificates: CertificateFiles[]): string {
    for (const { cert } of certificates) openssl('ca', ...this.#register(), '-revoke', cert)
    const list = join(this.#folder, `${this.#name}.crl`)
    openssl('ca', ...this.#register(), '-gencrl', '-crldays', '1', '-out', list)
    return list
  }

  /** The books that `openssl ca` keeps. */
  #register(): string[] {
    const books = join(this.#folder, `${this.#name}.books`)
    const config = `${books}.cnf`
    if (!existsSync(config)) {
      writeFileSync(`${books}.txt`, '')
      writeFileSync(config, booksConfig(books))
    }
    return ['-config', config, '-cert', this.file, '-keyfile', this.#keyFile]
  }

  get #keyFile(): string {
    return join(this.#folder, `${this.#name}.key`)
  }
}

function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
}

function booksConfig(books: string): string {
  const policy = ['[any]', 'commonName = supplied']
  const ca = [`database = ${books}.txt`, `new_certs_dir = ${dirname(books)}`, 'rand_serial = yes']
  const rest = ['default_md = sha256', 'policy = any', 'copy_extensions = copy', 'unique_subject = no']
  return ['[ca]', 'default_ca = own', '[own]', ...ca, ...rest, ...policy, ''].join('\n')
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file]
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
