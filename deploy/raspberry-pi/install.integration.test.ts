import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SummariesBody, summariesBodySchema } from '@millrace/contracts'
import { freePort, until } from '@millrace/pipeline/testing'
import { createBroker, createMqttLink } from '@millrace/transports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  find,
  Installation,
  makeOtherRelease,
  pack,
  putNodeInto,
  startReady,
  temporaryFolder,
} from './testing/fixture.ts'

const packed = temporaryFolder('packed')
const root = temporaryFolder('pi-root')
const bare = temporaryFolder('pi-bare')
const locked = temporaryFolder('pi-locked')
let installation: Installation

beforeAll(async () => {
  await pack(packed.path)
  installation = new Installation(root.path, packed.path)
})
afterAll(() => {
  for (const folder of [packed, root, bare, locked]) folder.remove()
})

const release = () => readFileSync(join(packed.path, 'release'), 'utf8').trim()
const current = () => readlinkSync(installation.path('opt/millrace/current'))

test('a dry run changes nothing and says what it would do', async () => {
  const { code, output } = await installation.run('install', '--dry-run')
  expect(code).toBe(0)
  expect(output).toMatch(/would: npm ci/)
  expect(readdirSync(root.path).sort()).toEqual(['asked', 'bad', 'systemctl'])
})

test.each([
  ['--site', 'home sweet'],
  ['--site', ''],
  ['--site', 'a'.repeat(65)],
  ['--site', 'a\nb'],
  ['--site', "x'|&"],
  ['--uplink', 'mqtt://h&o|st:1884'],
  ['--uplink', 'http://host'],
  ['--uplink', 'mqtt://'],
  ['--uplink', 'mqtt://host:65536'],
  ['--uplink', 'mqtt://user:secret@host'],
])('%s %j is refused before anything is done', async (flag, value) => {
  const { code, output } = await installation.run('install', flag, value)
  expect(code).toBe(2)
  expect(output).toContain(`${flag} '${value}': must be`)
  expect(readdirSync(root.path).sort()).toEqual(['asked', 'bad', 'systemctl'])
})

test.each(['mqtts://cloud.example:8883', 'mqtt://[::1]:1884', 'mqtt://10.0.0.2'])(
  '%s may be where it sends',
  async (uplink) => {
    expect((await installation.run('install', '--dry-run', '--site', 'a.b_c:d-1', '--uplink', uplink)).code).toBe(0)
  },
)

test('the tarballs hold JavaScript alone, and every dependency has an exact version', () => {
  const tarball = readdirSync(packed.path).find((name) => name.includes('edge-agent'))!
  const files = execFileSync('tar', ['-tzf', join(packed.path, tarball)], { encoding: 'utf8' })
    .trim()
    .split('\n')
  expect(files).toContain('package/src/main.js')
  expect(files.filter((name) => !/\.js$|package\.json$|LICENSE$/.test(name))).toEqual([])
  expect(files.filter((name) => /\.test\.js$|(^|\/)testing(\/|\.js$)/.test(name))).toEqual([])
  const manifest = JSON.parse(
    execFileSync('tar', ['-xzOf', join(packed.path, tarball), 'package/package.json'], { encoding: 'utf8' }),
  ) as { dependencies: Record<string, string> }
  expect(Object.values(manifest.dependencies).filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([])
  const lock = readFileSync(join(packed.path, 'package-lock.json'), 'utf8')
  expect(lock).not.toMatch(/duckdb|vite|azure|commander/)
})

test("Microsoft's SDK for IoT Hub is locked apart, and installed only when it is asked for", async () => {
  const lock = JSON.parse(readFileSync(join(packed.path, 'with-azure', 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity?: string; dev?: boolean; peer?: boolean }>
  }
  expect(lock.packages['node_modules/@azure/iot-device']).toMatchObject({ version: '1.18.4' })
  expect(lock.packages['node_modules/azure-iot-device-mqtt']).toMatchObject({ version: '1.16.4' })
  expect(lock.packages['node_modules/@azure/event-hubs']).toMatchObject({ version: '6.0.4' })
  expect(Object.values(lock.packages).filter(({ dev, peer }) => dev || peer)).toEqual([])
  // npm takes the lock file only where it fits the manifest.
  for (const name of readdirSync(packed.path).filter((file) => file.endsWith('.tgz'))) {
    cpSync(join(packed.path, name), join(locked.path, name))
  }
  cpSync(join(packed.path, 'with-azure'), locked.path, { recursive: true })
  execFileSync('npm', ['ci', '--dry-run', '--ignore-scripts'], { cwd: locked.path })
  const without = await installation.run('install', '--dry-run')
  expect(without.output).not.toContain('azure')
  const asked = await installation.run('install', '--dry-run', '--with-azure')
  expect(asked.output).toContain(`${packed.path}/with-azure/package-lock.json`)
  expect(asked.output).toContain(`releases/${release()}-azure`)
})

test('installs agent, config and service, and once more changes nothing', async () => {
  const first = await installation.run(
    'install',
    '--agent',
    'pi 1',
    '--site',
    'attic',
    '--uplink',
    'mqtt://127.0.0.1:1',
  )
  expect(first.output).toContain(`release ${release()} is installed`)
  expect(first.code).toBe(0)
  expect(current()).toBe(`releases/${release()}`)
  expect(installation.asked()).toEqual([
    'daemon-reload',
    'enable millrace-agent.service',
    'restart millrace-agent.service',
  ])
  const config = installation.path('etc/millrace/agent.yaml')
  expect(readFileSync(config, 'utf8')).toMatch(/agent: 'pi-1'[^\n]*\nsite: 'attic'/)
  expect(statSync(config).mode & 0o777).toBe(0o640)
  expect(readdirSync(installation.path('etc/millrace/alert-rules'))).toEqual(['this-machine.yaml'])
  writeFileSync(config, `${readFileSync(config, 'utf8')}# mine\n`)
  const again = await installation.run('install', '--site', 'cellar', '--uplink', 'mqtt://cloud.example')
  expect(again.code).toBe(0)
  expect(again.output).toContain('agent.yaml stays as it is\nignored, as the config is there already: --site --uplink;')
  expect(again.output).toContain('is there already')
  expect(readFileSync(config, 'utf8')).toMatch(/# mine\n$/)
  expect(installation.asked()).toEqual(['enable millrace-agent.service', 'restart millrace-agent.service'])
})

test('the unit is hardened, and systemd understands all of it', (context) => {
  const analyze = find('systemd-analyze')
  if (analyze === undefined) {
    console.log('skipped: systemd-analyze is not on this machine')
    context.skip()
    return
  }
  const unit = readFileSync(installation.path('etc/systemd/system/millrace-agent.service'), 'utf8')
  expect(unit).not.toMatch(/@[A-Z_0-9]+@/)
  // The program must be there for the check, and is only below the test's root.
  const here = unit.replaceAll('/opt/millrace/', `${root.path}/opt/millrace/`)
  const file = join(bare.path, 'millrace-agent.service')
  writeFileSync(file, here)
  expect(execFileSync(analyze, ['verify', file], { encoding: 'utf8', stdio: 'pipe' })).toBe('')
  const rating = execFileSync(analyze, ['security', '--offline=yes', file], { encoding: 'utf8' })
  const exposure = Number(/exposure level for [^:]+: ([\d.]+)/.exec(rating)?.[1])
  expect(exposure).toBeLessThanOrEqual(2.5)
})

test('the installed agent takes what mosquitto_pub sends and passes summaries on, with its unit’s own command', async () => {
  const cloud = await createBroker({ host: '127.0.0.1', port: 0 })
  const { port: cloudPort } = await cloud.listen()
  const bodies: SummariesBody[] = []
  const link = createMqttLink({ url: `mqtt://127.0.0.1:${cloudPort}`, clientId: 'cloud' })
  link.subscribe(['millrace/v1/+/+/summaries'], ({ body }) => {
    bodies.push(summariesBodySchema.parse(JSON.parse(Buffer.from(body).toString())))
  })
  await link.start()
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const config = readFileSync(installation.path('etc/millrace/agent.yaml'), 'utf8')
    .replace('port: 1883', `port: ${mqttPort}`)
    .replace('port: 8081', `port: ${httpPort}`)
    .replace('mqtt://127.0.0.1:1', `mqtt://127.0.0.1:${cloudPort}`)
    .replace('trust: synchronised', 'trust: system')
    .replaceAll('/var/lib/millrace', bare.path)
    .replace('/etc/millrace/alert-rules', installation.path('etc/millrace/alert-rules'))
    .replace('spool:', 'windows: { length: 2s, lateness: 0s, idle: 2s }\nspool:')
  writeFileSync(join(bare.path, 'agent.yaml'), config)
  const unit = readFileSync(installation.path('etc/systemd/system/millrace-agent.service'), 'utf8')
  const command = /^ExecStart=(.*)$/m
    .exec(unit)![1]!
    .replaceAll('/opt/millrace/', `${root.path}/opt/millrace/`)
    .replace('/etc/millrace/agent.yaml', join(bare.path, 'agent.yaml'))
  const agent = await startReady(command.split(' '), httpPort, { PATH: process.env.PATH })
  try {
    const publish = (value: number) => {
      const target = ['-p', String(mqttPort), '-q', '1', '-t', 'telemetry/home/desk']
      execFileSync('mosquitto_pub', [...target, '-m', JSON.stringify({ readings: { temperature: value } })])
    }
    publish(21.5)
    publish(22.5)
    const count = () => bodies.flatMap(({ site, columns }) => (site === 'home' ? columns.count : []))
    await until(() => count().reduce((sum, one) => sum + one, 0) === 2, { withinMs: 30_000, label: 'summaries' })
    await until(() => bodies.some(({ site }) => site === 'attic'), {
      withinMs: 30_000,
      label: "the host's own readings",
    })
    expect(await agent.stop()).toBe(0)
  } finally {
    if (agent.child.exitCode === null) await agent.stop('SIGKILL')
    await link.stop()
    await cloud.close()
  }
})

test('the installed agent needs nothing of the system but Node and its libraries', async (context) => {
  if (process.getuid?.() !== 0) {
    console.log('skipped: another root folder needs root')
    context.skip()
    return
  }
  const empty = temporaryFolder('pi-empty')
  putNodeInto(empty.path)
  cpSync(installation.path('opt/millrace/current/node_modules'), join(empty.path, 'app/node_modules'), {
    recursive: true,
  })
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const config = {
    ...{ agent: 'pi-1', site: 'attic', dataDir: '/spool', collect: { type: 'broker', port: mqttPort } },
    ...{ sensors: [{ type: 'host', device: 'pi-1' }], http: { port: httpPort } },
    uplink: { type: 'mqtt', url: 'mqtt://127.0.0.1:1' },
  }
  writeFileSync(join(empty.path, 'agent.yaml'), JSON.stringify(config))
  const main = '/app/node_modules/@millrace/edge-agent/src/main.js'
  const agent = await startReady(['chroot', empty.path, '/node', main, '--config', '/agent.yaml'], httpPort)
  try {
    const target = ['-p', String(mqttPort), '-q', '1', '-t', 'telemetry/home/desk']
    execFileSync('mosquitto_pub', [...target, '-m', '{"readings":{"temperature":21.5}}'])
    const status = async () => await (await fetch(`http://127.0.0.1:${httpPort}/api/status?devices=1`)).text()
    await until(async () => /"device":"desk"[^}]*"accepted":1/.test(await status()), { label: 'the reading' })
    expect(await agent.stop()).toBe(0)
  } finally {
    if (agent.child.exitCode === null) await agent.stop('SIGKILL')
    empty.remove()
  }
})

test('an update that does not start is taken back; one that does can be rolled back', async () => {
  const good = release()
  const next = temporaryFolder('packed-next')
  cpSync(packed.path, next.path, { recursive: true })
  const updating = new Installation(root.path, next.path)
  makeOtherRelease(next.path, '0.2.0-bad')
  updating.failsFor('0.2.0-bad')
  const bad = await updating.run('update')
  expect(bad.code).toBe(1)
  expect(bad.output).toContain(`release 0.2.0-bad was not taken; ${good} runs again`)
  expect(current()).toBe(`releases/${good}`)
  makeOtherRelease(next.path, '0.2.0-good')
  expect((await updating.run('update')).code).toBe(0)
  expect(current()).toBe('releases/0.2.0-good')
  expect((await updating.run('rollback')).code).toBe(0)
  expect(current()).toBe(`releases/${good}`)
  next.remove()
})

test('an uninstall leaves config and spool, and a purge nothing', async () => {
  installation.asked()
  expect((await installation.run('uninstall')).code).toBe(0)
  expect(installation.asked()).toEqual(['disable --now millrace-agent.service', 'daemon-reload'])
  expect(existsSync(installation.path('opt/millrace'))).toBe(false)
  expect(existsSync(installation.path('etc/systemd/system/millrace-agent.service'))).toBe(false)
  expect(existsSync(installation.path('etc/millrace/agent.yaml'))).toBe(true)
  expect((await installation.run('uninstall', '--purge')).code).toBe(0)
  expect(existsSync(installation.path('etc/millrace'))).toBe(false)
  expect((await installation.run('update')).output).toContain('nothing is installed yet')
})
