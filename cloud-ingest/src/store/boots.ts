import type { BootShare, CompletenessRow, DeviceBoots } from '../stored.ts'

/** Gathers shares of one device, which must follow each other. */
export function groupBoots(rows: readonly (BootShare & { site: string; device: string })[]): DeviceBoots[] {
  const devices: DeviceBoots[] = []
  for (const { site, device, boot, firstSeq, lastSeq, messages } of rows) {
    const last = devices.at(-1)
    const share = { boot, firstSeq, lastSeq, messages }
    if (last?.site === site && last.device === device) last.boots.push(share)
    else devices.push({ site, device, boots: [share] })
  }
  return devices
}

interface Run {
  merged: BootShare
  latest: BootShare
}

/** Rows in order of start, merged by device and run. */
export function mergeOverTime(rows: readonly Pick<CompletenessRow, 'site' | 'device' | 'boots'>[]): DeviceBoots[] {
  const devices = new Map<string, { site: string; device: string; runs: Map<string | null, Run> }>()
  for (const { site, device, boots } of rows) {
    const entry = devices.get(`${site}/${device}`) ?? { site, device, runs: new Map<string | null, Run>() }
    devices.set(`${site}/${device}`, entry)
    for (const share of boots) {
      const run = entry.runs.get(share.boot)
      entry.runs.set(share.boot, { latest: share, merged: run ? follow(run, share) : share })
    }
  }
  const names = [...devices.keys()].sort()
  return names.map((name) => {
    const { site, device, runs } = devices.get(name)!
    const boots = [...runs.keys()].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1))
    return { site, device, boots: boots.map((boot) => runs.get(boot)!.merged) }
  })
}

function falls(before: BootShare, next: BootShare): boolean {
  return next.firstSeq! < before.firstSeq! || next.lastSeq! < before.lastSeq!
}

function follow({ merged, latest }: Run, next: BootShare): BootShare {
  const messages = merged.messages + next.messages
  const unknown = { boot: next.boot, firstSeq: null, lastSeq: null, messages }
  if (merged.firstSeq === null || merged.lastSeq === null || next.firstSeq === null || next.lastSeq === null)
    return unknown
  if (next.boot === null && falls(latest, next)) return unknown
  const firstSeq = Math.min(merged.firstSeq, next.firstSeq)
  return { boot: next.boot, firstSeq, lastSeq: Math.max(merged.lastSeq, next.lastSeq), messages }
}
