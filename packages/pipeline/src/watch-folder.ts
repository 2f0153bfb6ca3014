import type { Stats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, parseDocument } from 'yaml'

/** A YAML file of a folder: what it says, or why it cannot be read. */
export interface FolderFile {
  name: string
  content: unknown
  problem?: string
}

export interface FolderWatch {
  /** Safe twice. */
  stop(): void
}

const isYaml = (name: string) => /\.ya?ml$/i.test(name) && !name.startsWith('.')
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error)

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(isYaml).sort()
}

const maxBytes = 4 * 1024 * 1024

/** Waits for no pipe, and takes no device and no giant for a file of settings. Throws what to say of it. */
export function demandReadable(state: Pick<Stats, 'isFile' | 'size'>): void {
  if (!state.isFile()) throw new Error('no regular file')
  if (state.size > maxBytes) throw new Error(`${state.size} bytes, at most ${maxBytes} are read`)
}

/** What a document says. Aliases can make a value contain itself, or a million others: throws what to say of it. */
export function treeOf(document: Document): unknown {
  const content = document.toJS() as unknown
  JSON.stringify(content)
  return content
}

async function textOf(file: string): Promise<string> {
  demandReadable(await stat(file))
  return await readFile(file, 'utf8')
}

/** The code of an error of the system; the first line of what any other says. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message.split('\n')[0]!
}

async function readOne(folder: string, name: string): Promise<FolderFile> {
  try {
    const document = parseDocument(await textOf(join(folder, name)), { version: '1.2' })
    const [error] = document.errors
    if (!error) return { name, content: treeOf(document) }
    const line = error.linePos?.[0].line
    const place = line === undefined ? '' : ` (line ${line})`
    return { name, content: undefined, problem: `${error.message.split('\n')[0]}${place}` }
  } catch (error) {
    return { name, content: undefined, problem: `it cannot be read (${reasonOf(error)})` }
  }
}

/** Every `.yaml` and `.yml` file of a folder, by name; a folder that cannot be read is one file with a problem. */
export async function readFolder(folder: string): Promise<FolderFile[]> {
  try {
    return await Promise.all((await namesIn(folder)).map((name) => readOne(folder, name)))
  } catch (error) {
    return [{ name: folder, content: undefined, problem: `the folder cannot be read (${codeOf(error)})` }]
  }
}

/** What changes when a file does: polled, as events of file systems are lost on network shares and in containers. */
async function signatureOf(folder: string): Promise<string> {
  try {
    const states = (await namesIn(folder)).map(async (name) => `${name} ${await stateOf(join(folder, name))}`)
    return (await Promise.all(states)).join('\n')
  } catch (error) {
    return codeOf(error)
  }
}

async function stateOf(file: string): Promise<string> {
  try {
    const { mtimeNs, size } = await stat(file, { bigint: true })
    return `${mtimeNs} ${size}`
  } catch (error) {
    return codeOf(error)
  }
}

/**
 * Calls `onFiles` with all files of the folder after any of them has changed, and once at first. A change is looked for
 * every `everyMs` (1,000) of real time; the timer keeps no process alive. `onFiles` must not throw.
 */
export function watchFolder(
  folder: string,
  onFiles: (files: FolderFile[]) => void,
  { everyMs = 1_000 }: { everyMs?: number } = {},
): FolderWatch {
  let known: string | undefined
  let looking = false
  let stopped = false
  const look = async () => {
    const signature = await signatureOf(folder)
    if (signature === known) return
    const files = await readFolder(folder)
    known = signature
    if (!stopped) onFiles(files)
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look().finally(() => {
      looking = false
    })
  }, everyMs)
  timer.unref()
  return {
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}
