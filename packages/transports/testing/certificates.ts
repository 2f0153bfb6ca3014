import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'

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
    const path = join(this.#folder, `${this.#name}-${name}-${days}`)
    const files = { cert: `${path}.crt`, key: `${path}.key` }
    const san = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
    openssl('req', ...newKey(files.key), '-out', `${path}.csr`, '-subj', `/CN=${name}`, '-addext', san)
    const signing = ['-CA', this.file, '-CAkey', this.#keyFile, '-CAcreateserial', '-copy_extensions', 'copy']
    openssl('x509', '-req', '-in', `${path}.csr`, ...signing, '-out', files.cert, '-days', String(days))
    chmodSync(files.key, 0o600)
    return files
  }

  get #keyFile(): string {
    return join(this.#folder, `${this.#name}.key`)
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file]
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
