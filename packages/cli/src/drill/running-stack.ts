import { connect } from 'node:net'
import { drillSite } from '@millrace/contracts'
import { clockNow, readClockFile, readSecret, UsageError } from '@millrace/pipeline'
import { stackPaths } from '../up/config-files.ts'
import { isAlive, type RunFile, readRunFile } from '../up/run-file.ts'
import { httpStack } from '../verify/api.ts'
import { type Target, type Victim, victims } from './target.ts'

const loopback = '127.0.0.1'
const patienceMs = 30_000
const probeMs = 300

/** A cable that is cut ends every connection at once; a broker waits for the first word. */
function staysOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: loopback, port })
    const end = (open: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(open)
    }
    const timer = setTimeout(() => end(true), probeMs)
    socket.once('close', () => end(false))
    socket.once('error', () => end(false))
  })
}

function runOn(dataDir: string): RunFile & { pid: number } {
  const run = readRunFile(dataDir)
  const found = `${dataDir}, on which nothing runs`
  const expected = 'the data folder of a running `millrace up`'
  if (!run?.pid || !isAlive(run.pid))
    throw new UsageError('there is no stack to drill', [{ path: '--data-dir', found, expected }])
  if (run.ports.hub?.mqtt !== undefined)
    throw new UsageError('the devices of that stack send to an IoT Hub, and a drill speaks to a broker of the agent')
  return { ...run, pid: run.pid }
}

/** Says what a drill would do to a stack that somebody uses, where nobody has agreed to it. */
export function demandConsent(dataDir: string, yes: boolean | undefined): void {
  const { pid } = runOn(dataDir)
  if (yes) return
  throw new UsageError(`a drill hurts the stack that runs on ${dataDir} (process ${pid})`, [], {
    hint: [
      'It kills its agent, ingest and broker with kill -9, cuts its uplink, and sends poison and readings of a site,',
      `${drillSite}, which stay in its stores and accounts; rules do not watch it. It never fills its disk, and nothing`,
      'acknowledged should be lost.',
      'Say --yes if that is what you want; without --on-running a drill has a stack of its own.',
    ].join('\n'),
  })
}

/** The stack of a `millrace up` that goes on after the drill. */
export class RunningStack implements Target {
  readonly own = false
  readonly dataDir: string
  readonly ports
  readonly token: string | undefined
  readonly tokenFile: string | undefined
  readonly speed: number
  readonly api
  readonly disk = undefined
  readonly victims: readonly Victim[]
  readonly #relay: number
  readonly #clock: string
  #connected = true

  private constructor(dataDir: string, tokenFile: string | undefined) {
    const token = tokenFile === undefined ? undefined : readSecret(tokenFile, '--token-file')
    const { ports, processes } = runOn(dataDir)
    this.dataDir = dataDir
    this.ports = ports
    this.token = token
    this.tokenFile = tokenFile
    this.#relay = ports.relay
    this.#clock = stackPaths(dataDir).clock
    const clock = readClockFile(this.#clock)
    this.speed = clock.mode === 'running' ? clock.speed : 1
    this.victims = victims.filter((name) => processes[name] !== undefined)
    const address = (port: number, flag: string) => ({ url: `http://${loopback}:${port}`, flag, token, patienceMs })
    this.api = httpStack({ ingest: address(ports.http, '--http-port'), agent: address(ports.agent, '--agent-port') })
  }

  static async join(dataDir: string, tokenFile: string | undefined): Promise<RunningStack> {
    const stack = new RunningStack(dataDir, tokenFile)
    if (await staysOpen(stack.#relay)) return stack
    throw new UsageError('the uplink of that stack is cut already', [], {
      hint: 'Restore it first: key u, or SIGUSR2.',
    })
  }

  get uplinkConnected(): boolean {
    return this.#connected
  }

  now(): number {
    return Math.round(clockNow(readClockFile(this.#clock), Date.now()))
  }

  pid(name: Victim): number | null {
    const pid = readRunFile(this.dataDir)?.processes[name]?.pid ?? null
    return pid !== null && isAlive(pid) ? pid : null
  }

  kill(name: Victim): number | null {
    const pid = this.pid(name)
    if (pid !== null) process.kill(pid, 'SIGKILL')
    return pid
  }

  /** SIGUSR2 toggles, so nobody else may do the same meanwhile. A stack that was stopped has no cable any more. */
  async connectUplink(connected: boolean): Promise<void> {
    if (connected === this.#connected) return
    const pid = readRunFile(this.dataDir)?.pid ?? null
    if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGUSR2')
    this.#connected = connected
  }
}
