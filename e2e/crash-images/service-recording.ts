import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { traceFile } from './lives.ts'
import { Recorder } from './recorder.ts'
import type { Recording, Step } from './steps.ts'

/** Files of a spool that hold nothing: the lock, what is kept to be given up, and what SQLite makes anew. */
const ignored = /(?:spool\.(?:lock|owner|reserve)|-shm)(?:-journal)?$/

/** What a run under strace did to the files below `watched`, over all its lives. */
export async function readRecording(
  folder: string,
  isOther: (path: string) => boolean = () => false,
): Promise<Recording> {
  const ignores = (path: string) => ignored.test(path) || isOther(path)
  const recorder = new Recorder({ root: join(folder, 'watched'), ignores })
  for (let life = 0; existsSync(traceFile(folder, life)); life++) await recorder.read(traceFile(folder, life))
  return recorder.recording()
}

/**
 * The same on a file system on which a new file's own flush brings its name along, as ext4, XFS and Btrfs do. DuckDB
 * counts on that; the spools do not.
 */
export function namesFollowFlushes(recording: Recording): Recording {
  const folders = new Map<number, string>()
  for (const step of recording.steps) if (step.kind === 'make') folders.set(step.file, folderOf(step.path))
  const steps = recording.steps.flatMap((step): Step[] => {
    if (step.kind !== 'flush') return [step]
    const { at, covers } = step
    return [step, { at, kind: 'flush-folder', path: folders.get(step.file)!, covers }]
  })
  return { ...recording, steps }
}

const folderOf = (path: string) => (dirname(path) === '.' ? '' : dirname(path))
