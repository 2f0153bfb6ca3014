/**
 * Stryker over a copy of the tracked files, so that nobody's work is changed: `node mutants/stryker/run.ts <globs…>`.
 * Leaves out the tests that take long for one mutant: kills, and any-order's thousands of permutations.
 * Installs Stryker in this folder when it is missing. The report is `reports/mutation.json` here.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const stryker = join(here, 'node_modules/@stryker-mutator/core/bin/stryker.js')

/** What is mutated unless files are named: where a wrong number would go unseen for longest. */
const usual = ['packages/windows/src/**/*.ts', 'packages/spool/src/**/*.ts', '!**/*.test.ts']

function run(command: string, args: readonly string[], options: { cwd: string; quiet?: boolean }): string {
  const stdio = options.quiet ? 'pipe' : (['ignore', 'inherit', 'inherit'] as const)
  const { status, stdout } = spawnSync(command, args, { cwd: options.cwd, stdio: stdio as 'pipe', encoding: 'utf8' })
  if (status !== 0 && options.quiet) throw new Error(`${command} ${args[0]} ended with ${status}`)
  process.exitCode = status ?? 1
  return stdout ?? ''
}

function copyOf(files: readonly string[], to: string): void {
  for (const file of files) {
    if (!existsSync(join(root, file))) continue
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(root, file), join(to, file))
  }
}

/** Everything installed is shared, but for our own packages, which are the copy's. */
function linkModules(to: string): void {
  const modules = join(to, 'node_modules')
  mkdirSync(join(modules, '@millrace'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@millrace' && name !== '.vite') symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  for (const name of readdirSync(join(to, 'packages'))) {
    symlinkSync(join(to, 'packages', name), join(modules, '@millrace', name))
  }
}

function settings(mutate: readonly string[], tests: readonly string[]) {
  return {
    ...{ mutate, inPlace: true, testRunner: 'vitest', coverageAnalysis: 'perTest', concurrency: 1 },
    ...{ plugins: [join(here, 'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js')] },
    ...{ reporters: ['clear-text', 'progress-append-only', 'json'], ignoreStatic: true, timeoutMS: 20_000 },
    ...{ clearTextReporter: { allowColor: false, logTests: false, reportTests: false } },
    jsonReporter: { fileName: join(here, 'reports/mutation.json') },
    vitest: { configFile: 'stryker.vitest.config.ts', related: false },
    checkers: [],
    tests,
  }
}

const named = process.argv.slice(2)
const mutate = named.length > 0 ? [...named, '!**/*.test.ts'] : usual
const tests = [
  ...new Set(mutate.map((glob) => /^(?:packages\/)?[\w-]+/.exec(glob)?.[0]).filter((path) => path !== undefined)),
]
if (!existsSync(stryker)) run('npm', ['install', '--legacy-peer-deps', '--no-audit', '--no-fund'], { cwd: here })
const copy = mkdtempSync(join(tmpdir(), 'millrace-stryker-'))
try {
  copyOf(run('git', ['ls-files', '-z'], { cwd: root, quiet: true }).split('\0').filter(Boolean), copy)
  linkModules(copy)
  const { tests: folders, ...config } = settings(mutate, tests)
  writeFileSync(join(copy, 'stryker.config.json'), JSON.stringify(config, null, 2))
  writeFileSync(
    join(copy, 'stryker.vitest.config.ts'),
    `import { defineConfig } from 'vitest/config'
export default defineConfig({ test: {
  include: ${JSON.stringify(folders.map((folder) => `${folder}/**/*.test.ts`))},
  exclude: ['**/node_modules/**', '**/*.integration.test.ts', '**/kill.test.ts', '**/any-order.test.ts'], testTimeout: 30_000, maxWorkers: 1 } })
`,
  )
  run(process.execPath, [stryker, 'run'], { cwd: copy })
} finally {
  rmSync(copy, { recursive: true, force: true })
}
