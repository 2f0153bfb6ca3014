import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'

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

async function readOne(folder: string, name: string): Promise<FolderFile> {
  try {
    const document = parseDocument(await readFile(join(folder, name), 'utf8'), { version: '1.2' })
    const [error] = document.errors
    if (!error) return { name, content: document.toJS() as unknown }
    const line = error.linePos?.[0].line
    const place = line === undefined ? '' : ` (line ${line})`
    return { name, content: undefined, problem: `${error.message.split('\n')[0]}${place}` }
  } catch (error) {
    return { name, content: undefined, problem: `it cannot be read (${codeOf(error)})` }
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
