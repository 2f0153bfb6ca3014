import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { until } from '../../packages/pipeline/testing/index.ts'
import type { Demands, Faults, Scorecard } from '../oracle/scorecard.ts'

const main = fileURLToPath(new URL('../oracle/main.ts', import.meta.url))

export interface OracleProgress {
  issued: number
  acked: number
  acks: number
  repeats: number
  behind: number
}

export interface OracleFlags {
  url: string
  folder: string
  ingest: string
  site?: string
  devices?: number
  rate?: number
  speed?: number
  begin?: number
  window: number
  late?: number
  doubled?: number
  shuffled?: number
  seed?: number
}

/** The oracle's publishing side, as a process that is never killed in a run. */
export class OracleProcess {
  readonly folder: string
  progress: OracleProgress = { issued: 0, acked: 0, acks: 0, repeats: 0, behind: 0 }
  /** When acknowledgements last began again after a pause, epoch ms. */
  ackingSinceMs = 0
  /** `took`: acknowledgements begin again just now. */
  readonly events = new EventEmitter()
  readonly #child: ChildProcess
  readonly #ingest: string
  #finished = false
  #errors = ''

  constructor(flags: OracleFlags) {
    this.folder = flags.folder
    this.#ingest = flags.ingest
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
    this.#child = spawn(process.execPath, [main, 'publish', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#line(line))
    this.#child.stderr!.on('data', (bytes) => {
      this.#errors += bytes
    })
    this.#child.stdin!.on('error', () => undefined)
  }

  get pid(): number {
    return this.#child.pid!
  }

  #line(line: string): void {
    const event = JSON.parse(line) as OracleProgress & { event: string; atMs: number }
    if (event.event === 'acking') {
      this.ackingSinceMs = event.atMs
      this.events.emit('took')
    }
    if (event.event === 'progress') this.progress = event
    if (event.event === 'finished') this.#finished = true
  }

  /** The last fault is over. */
  calm(): void {
    this.#child.stdin!.write('calm\n')
  }

  /** Ends it as its own end would: everything it sent is acknowledged. */
  async finish(): Promise<void> {
    this.#child.stdin!.write('finish\n')
    const over = () => this.#finished || this.#child.exitCode !== null
    await until(over, { withinMs: 200_000, everyMs: 20, label: `the end of the oracle${this.#errors}` })
    if (!this.#finished) throw new Error(`the oracle ended:\n${this.#errors}`)
  }

  /** Recounts in a process of its own. */
  async check(options: {
    faults: Faults
    demands: Demands
    stores?: string[]
    influx?: string | undefined
    patienceSeconds?: number
    withinSeconds?: number
  }): Promise<Scorecard> {
    const { faults, demands, stores = ['duckdb'], influx, patienceSeconds = 60, withinSeconds = 240 } = options
    writeFileSync(join(this.folder, 'faults.json'), JSON.stringify(faults))
    const demand = Object.entries(demands).map(([name, least]) => `${name}=${least}`)
    const args = [
      ...['check', '--json', '--folder', this.folder, '--ingest', this.#ingest, '--stores', stores.join(',')],
      ...['--demand', demand.join(','), '--patience', String(patienceSeconds), '--within', String(withinSeconds)],
      ...(influx === undefined ? [] : ['--influx', influx]),
    ]
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (bytes) => {
        output[name] += bytes
      })
    }
    await once(child, 'close')
    if (output.stdout === '') throw new Error(`the oracle's recount said nothing:\n${output.stderr}`)
    return JSON.parse(output.stdout) as Scorecard
  }

  /** For the end of a run that failed; a run that went well has ended it by `finish`. */
  abandon(): void {
    this.#child.stdin!.end()
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL')
  }
}
