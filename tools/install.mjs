// Runs under any Node from 18: plain JavaScript, no dependencies.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The oldest Node that runs TypeScript files as they are. */
const oldestNode = [24, 12]
const lockStaleMs = 20_000
const networkTrouble = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED/

/** Ends the launcher with one plain message. */
export class LauncherError extends Error {
  constructor(message, exitCode) {
    super(message)
    this.exitCode = exitCode
  }
}

export function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const stampOf = (folder) => join(folder, 'node_modules', '.millrace-installed')
const lockHash = (folder) =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')

/** True where npm's own record of what it installed says the same as the lock file. */
function recordMatchesLock(folder) {
  try {
    const wanted = readJson(join(folder, 'package-lock.json')).packages
    const found = readJson(join(folder, 'node_modules', '.package-lock.json')).packages
    const names = Object.keys(wanted).filter((name) => name.startsWith('node_modules/'))
    const same = (name) =>
      found[name] === undefined ? wanted[name].optional === true : found[name].version === wanted[name].version
    return names.every(same) && Object.keys(found).every((name) => wanted[name] !== undefined)
  } catch {
    return false
  }
}

function record(folder) {
  try {
    writeFileSync(stampOf(folder), lockHash(folder))
  } catch {
    // A folder that cannot be written is checked against npm's record at each start instead.
  }
}

export function isInstalled(folder) {
  const hash = lockHash(folder)
  if (existsSync(stampOf(folder)) && readFileSync(stampOf(folder), 'utf8') === hash) return true
  if (!recordMatchesLock(folder)) return false
  record(folder)
  return true
}

/** npm as it was called, else the one beside this Node, else the one on the path. */
export function npmCommand() {
  const script = process.env.npm_execpath
  if (script && /^npm-cli\.c?js$/.test(basename(script)) && existsSync(script)) return [process.execPath, script]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm']
}

/** The environment without what an outer npm says about its own folder, which would send the inner one there. */
export function npmEnvironment() {
  const foreign = /^npm_(config_(local_prefix|prefix|workspaces?|global)|lifecycle_.*|package_.*|command)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}

function progress(what) {
  const startedMs = Date.now()
  const seconds = () => Math.round((Date.now() - startedMs) / 1000)
  const terminal = process.stderr.isTTY
  process.stderr.write(terminal ? `${what} ...` : `${what} ...\n`)
  const timer = setInterval(() => terminal && process.stderr.write(`\r${what} ... ${seconds()} s`), 1000)
  return (end) => {
    clearInterval(timer)
    process.stderr.write(`${terminal ? '\r' : ''}${what} ... ${end} after ${seconds()} s\n`)
  }
}

function run(command, options) {
  const [program, ...args] = command
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: program.endsWith('.cmd'),
    })
    let output = ''
    const keep = (bytes) => {
      output = (output + bytes).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => resolve({ code: -1, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? -1, output }))
  })
}

function installProblem(folder, { output }) {
  if (networkTrouble.test(output)) {
    return new LauncherError(
      `The packages could not be fetched: no connection to the npm registry.\n` +
        `Connect to the network (or set a registry or proxy in .npmrc) and start again; nothing else is needed.\n` +
        output.split('\n').find((line) => networkTrouble.test(line)),
      3,
    )
  }
  return new LauncherError(`npm ci failed in ${folder}:\n${output.trim()}`, 1)
}

async function npmCi(folder, what) {
  if (isInstalled(folder)) return
  const end = progress(what)
  const result = await run([...npmCommand(), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env: npmEnvironment(),
  })
  end(result.code === 0 ? 'done' : 'failed')
  if (result.code !== 0) throw installProblem(folder, result)
  record(folder)
}

function cannotWrite(path, error) {
  return new LauncherError(
    `Something has to be installed, and ${path} cannot be written: ${error.message}\n` +
      `Start once as a user who may write there, or give this one a copy of his own.`,
    1,
  )
}

/** False where another launcher holds it. */
function takeLock(path) {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw cannotWrite(path, error)
  }
  const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  if (ageMs > lockStaleMs) attempt(path, () => rmSync(path, { recursive: true, force: true }))
  return false
}

function attempt(path, work) {
  try {
    work()
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

/** Resolves once the lock is taken; says every few seconds that it is waiting, and for what. */
async function untilTaken(lock, { tellEveryMs, giveUpMs }) {
  const startedMs = Date.now()
  let toldMs = Number.NEGATIVE_INFINITY
  while (!takeLock(lock)) {
    const waitedMs = Date.now() - startedMs
    if (waitedMs >= giveUpMs) {
      const seconds = Math.round(waitedMs / 1000)
      throw new LauncherError(`Another start has been installing for ${seconds} s; if none is, remove ${lock}`, 1)
    }
    if (Date.now() - toldMs >= tellEveryMs) {
      process.stderr.write(`Another start is installing; waiting for it ... ${Math.round(waitedMs / 1000)} s\n`)
      toldMs = Date.now()
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/**
 * Runs `work` while no other launcher of this folder does. The holder touches the lock, so one that
 * died is noticed; it lies outside of every folder that `npm ci` empties.
 */
export async function exclusively(root, work, waiting = { tellEveryMs: 10_000, giveUpMs: 15 * 60_000 }) {
  const parent = join(root, 'tools', 'node_modules')
  const lock = join(parent, '.installing')
  attempt(parent, () => mkdirSync(parent, { recursive: true }))
  await untilTaken(lock, waiting)
  const beat = setInterval(() => existsSync(lock) && utimesSync(lock, new Date(), new Date()), 2000)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    rmSync(lock, { recursive: true, force: true })
  }
}

/** Packages of the workspace, fetched only where the lock file changed since the last time. */
export async function ensurePackages(root) {
  if (isInstalled(root)) return
  await exclusively(root, () => npmCi(root, 'Installing packages (first start, or they changed)'))
}

function platformPackage(root) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const offered = Object.keys(readJson(join(root, 'tools', 'node', 'package.json')).optionalDependencies)
  return offered.includes(name) ? name : undefined
}

function noNode(version, why) {
  return new LauncherError(
    `Millrace needs Node ${oldestNode.join('.')} or later; this is ${version}, and ${why}.\n` +
      `Install Node 24 from https://nodejs.org (or: nvm install 24) and start again.`,
    2,
  )
}

/** Path of a Node that runs TypeScript: this one, or one of our own in tools/node. */
export async function ensureNode(root, version = process.versions.node) {
  if (runsTypeScript(version)) return process.execPath
  const name = platformPackage(root)
  if (!name) throw noNode(version, `there is no packaged Node for ${process.platform} ${process.arch}`)
  const folder = join(root, 'tools', 'node')
  const node = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(node) && isInstalled(folder)) return node
  await exclusively(root, () => npmCi(folder, `Installing Node 24 for Millrace alone (this one is ${version})`))
  const tried = existsSync(node) ? await run([node, '--version'], {}) : { code: -1 }
  if (tried.code !== 0) throw noNode(version, `the packaged Node does not run here`)
  return node
}
