import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { until } from '@millrace/pipeline/testing'

const execute = promisify(execFile)
const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** Where a program is found, or undefined. */
export function find(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

export function temporaryFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** What `npm run pack` makes. */
export async function pack(into: string): Promise<void> {
  await execute(process.execPath, ['--disable-warning=ExperimentalWarning', 'tools/pack.mjs', into], {
    cwd: repository,
  })
}

/** Another release of the same: what is installed is told apart by its lock file. */
export function makeOtherRelease(folder: string, name: string): void {
  writeFileSync(join(folder, 'release'), `${name}\n`)
}

export interface Outcome {
  code: number
  output: string
}

/** The installer below a root folder, beside a `systemctl` that notes what it is asked and fails where it is told to. */
export class Installation {
  readonly root: string
  readonly #packed: string
  readonly #control: string
  #node = process.execPath

  constructor(root: string, packed: string) {
    this.root = root
    this.#packed = packed
    this.#control = join(root, 'systemctl')
    writeFileSync(
      this.#control,
      `#!/bin/sh
echo "$*" >>"${root}/asked"
case "$1" in restart) readlink "${root}/opt/millrace/current" | grep -q -f "${root}/bad" && exit 1 ;; esac
exit 0
`,
      { mode: 0o755 },
    )
    writeFileSync(join(root, 'bad'), 'no release\n')
    writeFileSync(join(root, 'asked'), '')
  }

  /** Releases of this name do not start. */
  failsFor(release: string): void {
    writeFileSync(join(this.root, 'bad'), `${release}\n`)
  }

  /** What systemctl was asked since the last call. */
  asked(): string[] {
    const lines = readFileSync(join(this.root, 'asked'), 'utf8').split('\n').filter(Boolean)
    writeFileSync(join(this.root, 'asked'), '')
    return lines
  }

  async run(...args: string[]): Promise<Outcome> {
    const command = [join(this.#packed, 'install.sh'), ...args, '--root', this.root, '--node', this.#node]
    const env = { ...process.env, SYSTEMCTL: this.#control, npm_config_prefer_offline: 'true' }
    try {
      const { stdout, stderr } = await execute('sh', command, { env })
      return { code: 0, output: stdout + stderr }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, output: stdout + stderr }
    }
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts)
  }
}

/** Copies Node with the libraries it is linked to, and nothing else, into a folder that may become a root. */
export function putNodeInto(root: string): void {
  const linked = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/[^\s:]+/g) ?? []
  for (const file of linked) {
    mkdirSync(join(root, dirname(file)), { recursive: true })
    copyFileSync(realpathSync(file), join(root, file))
  }
  copyFileSync(process.execPath, join(root, 'node'))
}

/** A process that is ready when its HTTP says so. */
export async function startReady(command: readonly string[], httpPort: number, env: NodeJS.ProcessEnv = process.env) {
  const [program, ...args] = command
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const isReady = async () => (await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined))?.ok
  await until(async () => child.exitCode !== null || (await isReady()), {
    withinMs: 90_000,
    everyMs: 100,
    label: 'ready',
  })
  if (child.exitCode !== null) throw new Error(`it ended: ${errors}`)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    return child.exitCode
  }
  return { child, stop, errors: () => errors }
}
