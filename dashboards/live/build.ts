import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const stampName = 'sources.sha256'

/** Everything the built page depends on, as files or folders. */
const sources = [
  'build.ts',
  'index.html',
  'package.json',
  'public',
  'src',
  'vite.config.ts',
  '../../packages/contracts/src',
  '../../package-lock.json',
]

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined)
  if (!entries) return [path]
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.filter((file) => !file.endsWith('.test.ts'))
}

/** One hash over names and contents, the same on every machine. */
export async function hashSources(): Promise<string> {
  const files = (await Promise.all(sources.map((source) => filesOf(join(root, source))))).flat().sort()
  const hash = createHash('sha256')
  for (const file of files) {
    hash.update(`${relative(root, file).replaceAll('\\', '/')}\0`)
    hash.update(await readFile(file))
    hash.update('\0')
  }
  return hash.digest('hex')
}

async function readStamp(folder: string): Promise<string> {
  return await readFile(join(folder, stampName), 'utf8').catch(() => '')
}

export interface Built {
  folder: string
  /** False when the page was already built from these sources. */
  fresh: boolean
}

/** Builds next to the final folder and swaps, so that a running ingest never serves half a page. */
export async function buildPage(): Promise<Built> {
  const folder = join(root, 'dist')
  const hash = await hashSources()
  if ((await readStamp(folder)) === hash) return { folder, fresh: false }
  const next = await mkdtemp(join(root, '.dist-'))
  try {
    await buildInto(next, hash)
    await rename(folder, `${next}-old`).catch(() => undefined)
    await rename(next, folder).catch(async (error: unknown) => {
      // Somebody else has just built the same page.
      if ((await readStamp(folder)) !== hash) throw error
    })
  } finally {
    await rm(next, { recursive: true, force: true })
    await rm(`${next}-old`, { recursive: true, force: true })
  }
  return { folder, fresh: true }
}

async function buildInto(outDir: string, hash: string): Promise<void> {
  const { build } = await import('vite')
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir, emptyOutDir: true } })
  await writeFile(join(outDir, stampName), hash)
  // A temporary folder is its owner's alone; the page may be served by another user.
  await chmod(outDir, 0o755)
}

/** True where the page is built from these sources; writes nothing. */
export async function isBuilt(): Promise<boolean> {
  return (await readStamp(join(root, 'dist'))) === (await hashSources())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) process.exitCode = (await isBuilt()) ? 0 : 1
  else {
    const { folder, fresh } = await buildPage()
    process.stdout.write(`${fresh ? 'built' : 'up to date'}: ${folder}\n`)
  }
}
