import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { AccountsResponse, AlertsResponse } from '@millrace/contracts'
import { clockNow, pause, readClockFile } from '@millrace/pipeline'
import { appArguments } from '../apps.ts'
import { getJson, httpStack, type StackApi } from '../verify/api.ts'
import { untilIdle } from '../verify/until-idle.ts'
import { accountsLine } from './accounts-line.ts'
import type { Screen } from './screen.ts'
import type { Stack } from './stack.ts'

const loopback = '127.0.0.1'
const statusEveryMs = 1000
const idleWithinMs = 15 * 60_000
const restartPatienceMs = 30_000

/** A running stack and the person in front of it. */
export class Session {
  readonly #stack: Stack
  readonly #screen: Screen
  readonly #api: StackApi
  #verifying = false

  constructor(stack: Stack, screen: Screen) {
    this.#stack = stack
    this.#screen = screen
    this.#api = this.#connect(0)
  }

  #connect(patienceMs: number): StackApi {
    const { http, agent } = this.#stack.options.ports
    return httpStack({
      ingest: { url: `http://${loopback}:${http}`, flag: '--http-port', patienceMs },
      agent: { url: `http://${loopback}:${agent}`, flag: '--agent-port', patienceMs },
    })
  }

  /** Shows the accounts every second until the signal ends it. */
  async showAccounts(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answered = <T>(answer: Promise<T>): Promise<T | undefined> => answer.catch(() => undefined)
      const accounts: AccountsResponse | undefined = await answered(this.#api.accounts())
      const agent = await answered(this.#api.agent())
      const nowMs = clockNow(readClockFile(this.#stack.clockFile), Date.now())
      const alerts = (await answered(this.#alerts()))?.alerts.filter(({ state }) => state === 'active')
      const uplink = this.#stack.relay.connected
      const view = { accounts, outbox: agent?.spool.outboxMessages, alerts, uplink, nowMs }
      if (!signal.aborted) this.#screen.status(accountsLine(view))
      await pause(statusEveryMs, signal).catch(() => undefined)
    }
  }

  /** Undefined where no rules are watched. */
  async #alerts(): Promise<AlertsResponse | undefined> {
    const { ports, rules } = this.#stack.options
    if (rules === undefined) return undefined
    const ingest = { url: `http://${loopback}:${ports.http}`, flag: '--http-port' }
    return (await getJson(ingest, '/api/alerts?state=active')) as AlertsResponse
  }

  killAgent(): void {
    this.#screen.line('kill -9 for the agent')
    this.#stack.kill('agent')
  }

  toggleUplink(): void {
    const { relay } = this.#stack
    relay.connected = !relay.connected
    this.#screen.line(relay.connected ? 'the uplink is restored' : 'the uplink is cut: the agent keeps everything')
  }

  /** In a process of its own, so that nothing here waits for it. */
  verify(): void {
    if (this.#verifying) return
    this.#verifying = true
    const child = spawn(
      process.execPath,
      appArguments('millrace', ['verify', '--data-dir', this.#stack.options.dataDir]),
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on('line', (line) => this.#screen.line(line))
    }
    child.on('close', () => {
      this.#verifying = false
    })
  }

  /** Ends when all that was sent is closed and stored. */
  async untilStored(signal: AbortSignal): Promise<void> {
    const wait = (ms: number) => pause(ms, signal)
    const progress = (text: string) => this.#screen.status(text)
    await untilIdle({
      stack: this.#connect(restartPatienceMs),
      limitMs: idleWithinMs,
      progress,
      pause: wait,
      monotonic: () => performance.now(),
    })
  }
}
