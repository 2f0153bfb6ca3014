import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../edge-agent/src/testing/seeded-random.ts'
import { chooseCuts } from './cuts.ts'
import { Disk, type Image } from './disk.ts'
import type { Subject } from './subject.ts'
import { everything, whimOf } from './whims.ts'

export interface Violation {
  at: number
  whim: string
  breaches: string[]
}

/** What came of images; sums of several shares add up. */
export interface Tally {
  images: number
  afterAcknowledgement: number
  /** Images in which something unflushed is missing or torn. */
  incomplete: number
  droppedWrites: number
  tornWrites: number
  namesUndone: number
  violations: Violation[]
}

export function emptyTally(): Tally {
  const none = { images: 0, afterAcknowledgement: 0, incomplete: 0, droppedWrites: 0, tornWrites: 0, namesUndone: 0 }
  return { ...none, violations: [] }
}

/** The index of SQLite's log is in memory that a disk may have seen at any time: its content must never matter. */
const strangeIndexShare = 0.15
const strangeIndex = (chance: () => number) => Uint8Array.from({ length: 32_768 }, () => Math.floor(chance() * 256))

export interface JudgeOptions {
  images: number
  seed: number
  /** Empty at first and at the end; best in memory. */
  scratch: string
  progress(tally: Tally): void
}

/** Cuts a run at random, opens what is left with the product's own recovery and compares. */
export async function judgeImages(subject: Subject, { images, seed, scratch, progress }: JudgeOptions): Promise<Tally> {
  const chance = seededRandom(seed)
  const disk = new Disk(subject.recording.steps)
  const tally = emptyTally()
  for (const [nth, cut] of chooseCuts(subject, images, chance).entries()) {
    disk.advance(cut.at)
    const whim = whimOf(chance, cut.span)
    const image = disk.cut(whim)
    const root = join(scratch, `image-${nth}`)
    lay(image, root, subject)
    if (chance() < strangeIndexShare)
      writeFileSync(join(root, subject.spool.folder, 'spool.db-shm'), strangeIndex(chance))
    const breaches = await subject
      .judge(root, { at: cut.at, nth })
      .catch((error: unknown) => [`it did not start: ${error}`])
    rmSync(root, { recursive: true, force: true })
    count(tally, image, cut.afterAcknowledgement)
    if (breaches.length > 0) tally.violations.push({ at: cut.at, whim: whim.name, breaches })
    progress(tally)
  }
  return tally
}

/** At the end of each life the model and the real files must agree to the byte, or no image means anything. */
export function checkModel({ recording }: Subject, leftFolder: (life: number) => string): void {
  const disk = new Disk(recording.steps)
  for (const [life, at] of recording.deaths.entries()) {
    disk.advance(at + 1)
    for (const { path, bytes } of disk.cut(everything()).files) {
      const real = readFileSync(join(leftFolder(life), path))
      if (!real.equals(bytes)) throw new Error(`the model of ${path} differs from the file after life ${life + 1}`)
    }
  }
}

function count(tally: Tally, { dropped, torn, namesUndone }: Image, afterAcknowledgement: boolean): void {
  tally.images++
  if (afterAcknowledgement) tally.afterAcknowledgement++
  if (dropped + torn + namesUndone > 0) tally.incomplete++
  tally.droppedWrites += dropped
  tally.tornWrites += torn
  tally.namesUndone += namesUndone
}

/** Puts an image into a folder; what the spool only keeps to be given up is sized and not written. */
function lay({ folders, files }: Image, root: string, { spool }: Subject): void {
  mkdirSync(root, { recursive: true })
  for (const path of folders) mkdirSync(join(root, path), { recursive: true })
  for (const { path, bytes } of files) writeFileSync(join(root, path), bytes)
  mkdirSync(join(root, spool.folder), { recursive: true })
  const reserve = join(root, spool.folder, 'spool.reserve')
  writeFileSync(reserve, '')
  truncateSync(reserve, spool.heldBytes)
}
