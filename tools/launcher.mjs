#!/usr/bin/env node
// Starts everything in this repository under any Node from 18: installs what is missing, then hands over to a Node
// that runs TypeScript. Plain JavaScript, no dependencies.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureNode, ensurePackages, exclusively, LauncherError } from './install.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const inRoot = (...parts) => join(root, ...parts)
const biome = inRoot('node_modules', '@biomejs', 'biome', 'bin', 'biome')
const vitest = inRoot('node_modules', 'vitest', 'vitest.mjs')
const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc')
/** The page has browser types and a configuration of its own. */
const typeProjects = [root, inRoot('dashboards', 'live')]

/** A command is the arguments for Node, and variables it adds to the environment; all of a task's commands run. */
const tasks = {
  test: (args) => [{ args: [vitest, 'run', ...args] }],
  'test:integration': (args) => [{ args: [vitest, 'run', ...args], env: { MILLRACE_INTEGRATION: '1' } }],
  'test:faults': (args) => [{ args: [inRoot('e2e', 'faults', 'short.ts'), ...args] }],
  check: (args) => [
    ...typeProjects.map((folder) => ({ args: [tsc, '-p', folder] })),
    { args: [biome, 'check', ...args] },
  ],
  format: (args) => [{ args: [biome, 'format', '--write', ...args] }],
  node: (args) => [{ args }],
  pack: (args) => [{ args: [inRoot('tools', 'pack.mjs'), ...args] }],
  bench: (args) => benches(args).map((file) => ({ args: [inRoot('bench', file)] })),
}

function benches(wanted) {
  const files = readdirSync(inRoot('bench')).filter((file) => file.endsWith('.bench.ts'))
  return files.filter((file) => wanted.length === 0 || wanted.some((name) => file.includes(name))).sort()
}

/** A terminal sends Ctrl-C to child and launcher alike, so only signals sent to this process alone are passed on. */
function passSignals(child) {
  const pass = (signal) => child.exitCode === null && child.kill(signal)
  const handlers = { SIGTERM: pass, SIGHUP: pass, SIGINT: (signal) => !process.stdin.isTTY && pass(signal) }
  for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler)
  return () => {
    for (const [signal, handler] of Object.entries(handlers)) process.off(signal, handler)
  }
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** Exit code of the command; 128 + the signal's number where one ended it. */
function hand(node, { args, env = {}, cwd = process.cwd() }) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: 'inherit',
      cwd,
      env: { ...process.env, ...env },
    })
    const release = passSignals(child)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      release()
      resolve(code ?? 128 + (signalNumbers[signal] ?? 0))
    })
  })
}

async function runTask(node, [name, ...args]) {
  const task = tasks[name]
  if (!task) throw new LauncherError(`No task ${name}; there are: ${Object.keys(tasks).join(', ')}`, 2)
  let worst = 0
  for (const command of task(args)) worst = Math.max(worst, await hand(node, { ...command, cwd: root }))
  return worst
}

const needsPage = (args) => ['up', 'ingest'].includes(args[0]) && !args.includes('--help') && !args.includes('-h')

async function buildPage(node) {
  const build = (...args) => hand(node, { args: [inRoot('dashboards', 'live', 'build.ts'), ...args], cwd: root })
  if ((await build('--check')) === 0) return
  const code = await exclusively(root, () => build())
  if (code !== 0) throw new LauncherError('The page could not be built (see above).', 1)
}

async function main(args) {
  await ensurePackages(root)
  const node = await ensureNode(root)
  if (args[0] === '--npm') return await runTask(node, args.slice(1))
  if (needsPage(args)) await buildPage(node)
  return await hand(node, { args: [inRoot('packages', 'cli', 'src', 'main.ts'), ...args] })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof LauncherError ? error.message : error.stack}\n`)
  process.exitCode = error.exitCode ?? 1
}
