import { statSync } from 'node:fs'
import type { Logger } from '@millrace/pipeline'
import { notAfterMs } from './tls.ts'

const dayMs = 86_400_000
const warnDays = [1, 7, 30]
const lookEveryMs = 2_000

/** A certificate in use: the setting that names its file, and when it ends, epoch ms. */
export interface CertificateState {
  setting: string
  notAfterMs: number
}

export interface CertificateWatchOptions {
  /** Everything that is read together: certificates, keys, lists, passwords. */
  files: readonly string[]
  setting: string
  log: Logger
  /** Reads the files anew and uses them; answers with the certificate. Throws where they do not hold, and is asked again. */
  renew(): Buffer | undefined
}

/** What changes when one of the files does: polled, as events of file systems are lost on network shares. */
function signatureOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
      return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : 'none'
    })
    .join('\n')
}

/**
 * Looks after the files of one listener or link: when they change they are used at once, and when they cannot be used
 * the former stay. Says once at 30, 7 and 1 days, and at its end, that the certificate runs out. Real time.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions
  #timer: NodeJS.Timeout | undefined
  #known: string
  #refused: string | undefined
  #notAfterMs: number | undefined
  #told = Number.POSITIVE_INFINITY

  /** `cert` is what is in use already. Throws a UsageError where it is no certificate. */
  constructor(options: CertificateWatchOptions, cert: Buffer | undefined) {
    this.#options = options
    this.#known = signatureOf(options.files)
    this.#use(cert)
  }

  get state(): CertificateState[] {
    return this.#notAfterMs === undefined ? [] : [{ setting: this.#options.setting, notAfterMs: this.#notAfterMs }]
  }

  start(): this {
    if (this.#options.files.length > 0) this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref()
    return this
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    this.#judge(Date.now())
    const signature = signatureOf(this.#options.files)
    if (signature === this.#known) return
    const { setting, log, renew } = this.#options
    try {
      this.#use(renew())
      // A file that is being written changes again.
      this.#known = signature
      log.info({ setting, until: this.#until() }, 'the files of the connection have changed and are in use')
    } catch (error) {
      if (signature === this.#refused) return
      this.#refused = signature
      log.warn({ setting, error }, 'the files of the connection have changed and cannot be used: the former stay')
    }
  }

  #use(cert: Buffer | undefined): void {
    this.#notAfterMs = cert && notAfterMs(cert, this.#options.setting)
    this.#told = Number.POSITIVE_INFINITY
    this.#judge(Date.now())
  }

  #until(): string | undefined {
    return this.#notAfterMs === undefined ? undefined : new Date(this.#notAfterMs).toISOString()
  }

  #judge(nowMs: number): void {
    if (this.#notAfterMs === undefined) return
    const leftDays = (this.#notAfterMs - nowMs) / dayMs
    const stage = leftDays <= 0 ? 0 : warnDays.find((days) => leftDays <= days)
    if (stage === undefined || stage >= this.#told) return
    this.#told = stage
    const { setting, log } = this.#options
    const fields = { setting, until: this.#until() }
    if (stage === 0) log.error(fields, 'this certificate has expired: the other side will refuse it')
    else log.warn({ ...fields, days: Math.floor(leftDays) }, 'this certificate expires soon')
  }
}
