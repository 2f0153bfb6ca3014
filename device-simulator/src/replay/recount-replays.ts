import { NumberSet } from '../ledger/ranges.ts'
import type { ReplayRun } from '../ledger/run-file.ts'
import type { SentMessage } from '../sent-message.ts'
import { mapSchema } from './map.ts'
import { emptyReport, hashFile, readRecording } from './recording.ts'

/** True where two runs sent the very same messages. */
export function sameReplay(a: ReplayRun, b: Pick<ReplayRun, 'fileHash' | 'mapHash' | 'at'>): boolean {
  return a.fileHash === b.fileHash && a.mapHash === b.mapHash && a.at === b.at
}

/**
 * The messages of all replays, read again from their recordings; repeated replays of one recording are one, with more
 * copies. A recording that is gone or has changed is told to `lost`.
 */
export async function* recountReplays(
  runs: readonly ReplayRun[],
  lost: (reason: string) => void,
): AsyncGenerator<SentMessage> {
  const groups: ReplayRun[][] = []
  for (const run of runs) {
    const group = groups.find(([first]) => sameReplay(first!, run))
    if (group) group.push(run)
    else groups.push([run])
  }
  for (const group of groups) {
    const found = await findRecording(group)
    if (typeof found === 'string') lost(found)
    else yield* recount(found, group)
  }
}

/** The newest run whose file is still there, unchanged; else what is the matter. */
async function findRecording(group: readonly ReplayRun[]): Promise<ReplayRun | string> {
  let reason = ''
  for (const run of group.toReversed()) {
    const hash = await hashFile(run.file).catch(() => undefined)
    if (hash === run.fileHash) return run
    reason ||= `${run.file} ${hash === undefined ? 'is gone or cannot be read' : 'has changed since it was replayed'}`
  }
  return reason
}

async function* recount(run: ReplayRun, group: readonly ReplayRun[]): AsyncGenerator<SentMessage> {
  const acked = group.map((each) => new NumberSet(each.acked))
  let position = 0
  for await (const messages of readRecording(run.file, { ...run, map: mapSchema.parse(run.map) }, emptyReport())) {
    for (const { site, device, tsMs, seq, boot, readings } of messages) {
      const at = position++
      const copies = acked.filter((set) => set.has(at)).length
      yield {
        ...{ site, device, ts: tsMs },
        ...(seq !== null && { seq }),
        ...(boot !== null && { boot }),
        ...{ readings: Object.fromEntries(readings), acked: copies > 0, copies },
      }
    }
  }
}
