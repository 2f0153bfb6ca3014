import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '../../packages/pipeline/testing/index.ts'
import { trace } from './strace.ts'

export interface RunOptions {
  /** Empty; everything of the run is in it. */
  folder: string
  seed: number
  /** Flushes after which the program is killed, one for each life but the last. */
  lives: readonly number[]
  /** Of the last life, ms; it ends by SIGTERM. */
  lastMs: number
  /** Name of a bad build. */
  mutant?: string | undefined
  /** See `TraceOptions`. */
  dataBytes?: number | undefined
  say(line: string): void
}

interface Program {
  program: string
  configFile: string
  /** Answers well when the service is up. */
  upUrl: string
  /** The first life listens. */
  begun(): Promise<void>
  /** How far things are, in words. */
  told(): string
}

const mutantLoader = fileURLToPath(new URL('../../mutants/load.ts', import.meta.url))

export const traceFile = (folder: string, life: number) => join(folder, `life-${life}.trace`)

/** The files as the program's end left them, unflushed or not. */
export const leftFolder = (folder: string, life: number) => join(folder, `life-${life}.left`)

export const factsFile = (folder: string) => join(folder, 'facts.json')

export function readFacts<Facts>(folder: string): Facts {
  return JSON.parse(readFileSync(factsFile(folder), 'utf8')) as Facts
}

/** Runs a service under strace, again and again on one folder: every life but the last ends by kill -9 in a flush. */
export async function live(options: RunOptions, program: Program): Promise<void> {
  for (const life of [...options.lives, undefined].keys()) await liveOnce(life, options, program)
}

async function liveOnce(
  life: number,
  { folder, lives, lastMs, mutant, dataBytes, say }: RunOptions,
  program: Program,
): Promise<void> {
  const killAtFlush = lives[life]
  const bad = mutant === undefined ? {} : { MILLRACE_MUTANT: mutant }
  const loader = mutant === undefined ? [] : ['--import', mutantLoader]
  const args = [...loader, program.program, '--config', program.configFile]
  const traced = trace({ file: traceFile(folder, life), args, environment: bad, killAtFlush, dataBytes })
  let over = false
  void traced.ended.then(() => {
    over = true
  })
  try {
    await until(() => over || isUp(program.upUrl), { withinMs: 60_000, everyMs: 50, label: 'a service that is up' })
    if (over) throw new Error(`the service ended: ${traced.errors()}`)
    if (life === 0) await program.begun()
    if (killAtFlush === undefined) {
      await delay(lastMs)
      process.kill(traced.pid(), 'SIGTERM')
    }
    await until(() => over, { withinMs: 120_000, label: `the end of life ${life + 1}` })
  } finally {
    if (!over) process.kill(traced.pid(), 'SIGKILL')
    await traced.ended
  }
  const isOfModel = (path: string) => !/spool\.(?:lock|owner|reserve)|-shm$/.test(path)
  cpSync(join(folder, 'watched'), leftFolder(folder, life), { recursive: true, filter: isOfModel })
  say(`life ${life + 1}: ${program.told()}`)
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}
