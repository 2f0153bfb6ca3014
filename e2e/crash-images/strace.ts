import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** Why no system calls can be traced here; undefined where they can. */
export function whyNoTrace(): string | undefined {
  const tried = spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (tried.error) return 'strace is not installed'
  return tried.status === 0 ? undefined : `strace cannot trace here: ${tried.stderr.trim()}`
}

/** Every call that can change a file, its name or its folder, and what leaves by a socket. */
const changes = [
  ...['openat', 'write', 'writev', 'pwrite64', 'ftruncate', 'lseek', 'fsync', 'fdatasync'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'sendto', 'sendmsg'],
  // The model knows nothing of these: the reader refuses a trace in which one touches a file that matters.
  ...['pwritev', 'pwritev2', 'truncate', 'fallocate', 'copy_file_range', 'sendfile', 'mmap', 'msync'],
  ...['link', 'linkat', 'symlink', 'symlinkat', 'rmdir', 'open', 'creat', 'io_submit'],
]

export interface Traced {
  /** The tracer; it ends with the program. */
  child: ChildProcess
  /** Of the program itself. */
  pid(): number
  ended: Promise<void>
  output(): string
  errors(): string
}

export interface TraceOptions {
  file: string
  /** Arguments of Node. */
  args: readonly string[]
  environment?: NodeJS.ProcessEnv
  /** Kill -9 at the moment in which a thread asks for its so manieth flush. */
  killAtFlush?: number | undefined
  /** Calls to see; unless given, those that change files and those by which bytes leave. */
  calls?: readonly string[]
  /** Longer data is cut off in the trace; enough for a spool unless given. */
  dataBytes?: number | undefined
}

/** Data that a spool writes at once is no longer: a page. */
const pageBytes = 8_192

/** Starts Node under strace; every call with its data, in one order. */
export function trace({
  file,
  args,
  environment = {},
  killAtFlush,
  calls = changes,
  dataBytes = pageBytes,
}: TraceOptions): Traced {
  const inject = killAtFlush === undefined ? [] : ['-e', `inject=fsync,fdatasync:signal=SIGKILL:when=${killAtFlush}`]
  // Faster where only these calls stop the program; strace 6.1 then injects nothing.
  const filter = killAtFlush === undefined ? ['--seccomp-bpf'] : []
  const flags = ['-f', ...filter, '-qq', '-y', '-xx', '-ttt', '-s', String(dataBytes), '-o', file]
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...args]
  const child = spawn('strace', [...flags, '-e', `trace=${calls}`, ...inject, ...node], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Calls through a ring would not be seen.
    env: { ...process.env, UV_USE_IO_URING: '0', ...environment },
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (bytes: Buffer) => {
      said[name] += bytes.toString()
    })
  }
  const pid = () => childOf(child.pid!)
  // Where this process ends early, the program does not outlive it.
  const endIt = () => spawnSync('kill', ['-9', String(pid())])
  process.once('exit', endIt)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void ended.then(() => process.off('exit', endIt))
  return { child, ended, output: () => said.stdout, errors: () => said.stderr, pid }
}

function childOf(pid: number): number {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return Number.parseInt(stdout, 10)
}
