import { readdir, readFile } from 'node:fs/promises'

/** The trimmed text of a file in `/sys` or `/proc`; undefined where it is not there or cannot be read. */
export async function readSmall(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return undefined
  }
}

/** The number in such a file; undefined where there is none. */
export async function readNumber(path: string): Promise<number | undefined> {
  const text = await readSmall(path)
  if (text === undefined || text === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** Sorted names in a folder; none where it is not there. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort()
  } catch {
    return []
  }
}
