import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Happened } from './happened.ts'
import { emptyTally, type Tally } from './judge-images.ts'
import type { RunOptions } from './lives.ts'
import { type SubjectName, subjects } from './subject.ts'

export interface CrashRunOptions {
  service: SubjectName
  images: number
  seed: number
  /** Processes that judge. */
  shares: number
  /** How the service lives under strace, see `RunOptions`. */
  lives: readonly number[]
  lastMs: number
  mutant?: string | undefined
  say(line: string): void
}

export interface CrashRun extends Tally {
  service: SubjectName
  happened: Happened
}

interface ShareReport {
  tally: Tally
  happened: Happened
}

const share = fileURLToPath(new URL('share.ts', import.meta.url))
/** Kept in memory where there is such a disk: the model alone says what was flushed. */
const scratchRoot = process.platform === 'linux' ? '/dev/shm' : tmpdir()

/** Records a run of the service, then cuts it as often as asked. */
export async function crashRun(options: CrashRunOptions): Promise<CrashRun> {
  const { service, images, seed, shares, say } = options
  const folder = temporary(tmpdir(), `millrace-images-${service}-`)
  try {
    const run: RunOptions = { ...options, folder, say: (line) => say(`${service}, ${line}`) }
    await subjects[service].run(run)
    const each = Math.ceil(images / shares)
    const counts = Array.from({ length: shares }, (_, index) => Math.min(each, images - index * each))
    const done = counts.map(() => 0)
    const reports = counts.map((count, index) => {
      const progress = (judged: number, violations: number) => {
        done[index] = judged
        say(`${service}: ${done.reduce((sum, one) => sum + one, 0)} of ${images} images, violations ${violations}`)
      }
      return judgeShare({ service, folder, images: count, seed: seed * 1_000 + index }, progress)
    })
    return { service, ...sum(await Promise.all(reports)) }
  } finally {
    remove(folder)
  }
}

const made = new Set<string>()

/** Gone with this process, however early it ends. */
function temporary(above: string, prefix: string): string {
  if (made.size === 0) process.once('exit', () => made.forEach(remove))
  const folder = mkdtempSync(join(above, prefix))
  made.add(folder)
  return folder
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  made.delete(folder)
}

interface ShareOptions {
  service: SubjectName
  folder: string
  images: number
  seed: number
}

async function judgeShare(
  { service, folder, images, seed }: ShareOptions,
  progress: (images: number, violations: number) => void,
): Promise<ShareReport> {
  const scratch = temporary(scratchRoot, `millrace-image-${service}-`)
  // Each image starts a thread of the spool, which compiles its files anew where nobody keeps them.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const args = [service, folder, String(images), String(seed), scratch]
  const child = fork(share, args, { env, execArgv: ['--disable-warning=ExperimentalWarning'] })
  try {
    return await new Promise<ShareReport>((resolve, reject) => {
      child.on('message', (message: ShareReport | { images: number; violations: number }) => {
        if ('tally' in message) resolve(message)
        else progress(message.images, message.violations)
      })
      child.once('exit', (code) => reject(new Error(`the judge of ${service} ended with ${code}`)))
    })
  } finally {
    child.kill('SIGKILL')
    remove(scratch)
  }
}

function sum(reports: readonly ShareReport[]): ShareReport['tally'] & { happened: Happened } {
  const total = emptyTally()
  for (const { tally } of reports) {
    for (const name of Object.keys(total) as (keyof Tally)[]) {
      if (name === 'violations') total.violations.push(...tally.violations)
      else total[name] += tally[name]
    }
  }
  return { ...total, happened: reports[0]!.happened }
}

/** So often must everything else have come about that a run is made for. */
const leastOfEach = 3

/** Why a run shows little; a run without any of these is worth its figures. */
export function tooGentle(run: CrashRun): string[] {
  const { images, afterAcknowledgement, incomplete, tornWrites, droppedWrites, happened } = run
  const { steps: _steps, flushes: _flushes, kills, logResets, ...others } = happened
  const least = {
    'cuts after an acknowledgement': [afterAcknowledgement, images * 0.25],
    'images that miss something written': [incomplete, images * 0.3],
    'dropped writes': [droppedWrites, images],
    'torn writes': [tornWrites, images * 0.1],
    ...{ kills: [kills, 2], 'resets of the log': [logResets, 1] },
    ...Object.fromEntries(Object.entries(others).map(([name, count]) => [name, [count, leastOfEach]])),
  }
  return Object.entries(least).flatMap(([name, [found, wanted]]) => {
    return found! >= wanted! ? [] : [`${name}: ${found} where at least ${wanted} are wanted`]
  })
}
