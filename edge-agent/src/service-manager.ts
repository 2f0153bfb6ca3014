import { execFile } from 'node:child_process'
import type { Logger } from '@millrace/pipeline'

/** What systemd puts into the environment of a service with `Type=notify` and `WatchdogSec`. */
export interface ManagerEnvironment {
  NOTIFY_SOCKET?: string | undefined
  WATCHDOG_USEC?: string | undefined
  WATCHDOG_PID?: string | undefined
}

export interface ServiceManagerOptions {
  environment: ManagerEnvironment
  pid: number
  log: Logger
  /** Hands lines such as `READY=1` to systemd. */
  send?: (lines: readonly string[]) => Promise<void>
}

const unheardMs = 10_000

/**
 * Node cannot open the datagram socket that systemd listens on. `systemd-notify` can, is there wherever a unit with
 * `Type=notify` is, and since systemd 246 stays until it was heard; three starts of it a minute cost less than a
 * native module would at every installation. It is a child, so the unit needs `NotifyAccess=all`.
 */
function systemdNotify(socket: string): (lines: readonly string[]) => Promise<void> {
  const env = { NOTIFY_SOCKET: socket, PATH: '/usr/local/bin:/usr/bin:/bin' }
  return (lines) =>
    new Promise((resolve, reject) => {
      execFile('systemd-notify', [...lines], { env, timeout: unheardMs }, (error) =>
        error ? reject(error) : resolve(),
      )
    })
}

/** Tells systemd how the service is; without systemd it does nothing. */
export class ServiceManager {
  /** Time after which a silent service is ended; undefined where nobody watches. */
  readonly watchdogMs: number | undefined
  readonly #send: ((lines: readonly string[]) => Promise<void>) | undefined
  readonly #log: Logger
  #told = false

  constructor({ environment, pid, log, send }: ServiceManagerOptions) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment
    const ours = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid
    const watchdogMs = Number(WATCHDOG_USEC) / 1000
    this.#log = log
    this.#send = NOTIFY_SOCKET === undefined ? undefined : (send ?? systemdNotify(NOTIFY_SOCKET))
    this.watchdogMs = this.#send && ours && watchdogMs > 0 ? watchdogMs : undefined
  }

  ready(): Promise<void> {
    return this.#tell('READY=1')
  }

  /** Proof of life, with a line for `systemctl status`. */
  alive(status: string): Promise<void> {
    return this.#tell('WATCHDOG=1', `STATUS=${status}`)
  }

  stopping(): Promise<void> {
    return this.#tell('STOPPING=1')
  }

  /** What systemd does not hear it does not believe; the service goes on and says so once. */
  async #tell(...lines: string[]): Promise<void> {
    try {
      await this.#send?.(lines)
      this.#told = false
    } catch (error) {
      if (!this.#told) this.#log.warn({ error }, 'systemd could not be told how the agent is')
      this.#told = true
    }
  }
}
