import { spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const tools = dirname(fileURLToPath(import.meta.url))

/** Installs an empty package, and writes down where it was called. */
const fakeNpm = `
const { mkdirSync, appendFileSync, writeFileSync } = require('node:fs')
const { execPath } = process
appendFileSync(process.env.FAKE_NPM_LOG, process.cwd() + '\\n')
if (process.env.FAKE_NPM_FAILS) {
  process.stderr.write('npm error code EAI_AGAIN\\nnpm error request to https://registry.npmjs.org failed\\n')
  process.exit(1)
}
mkdirSync('node_modules', { recursive: true })
`

const fakeMain = `
const [what, ...rest] = process.argv.slice(2)
if (what === 'wait') {
  process.on('SIGTERM', () => process.exit(42))
  setInterval(() => undefined, 1000)
}
console.log(JSON.stringify({ what, rest, cwd: process.cwd() }))
if (what === 'fail') process.exit(7)
`

let root: string

beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'launcher-')), 'a folder with spaces')
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const file of ['launcher.mjs', 'install.mjs', 'node/package.json', 'node/package-lock.json']) {
    cpSync(join(tools, file), join(root, 'tools', file))
  }
  put('package.json', '{"name":"x","private":true,"type":"module"}')
  put('package-lock.json', '{"name":"x","lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}')
  put('packages/cli/src/main.ts', fakeMain)
  put('npm/npm-cli.js', fakeNpm)
  put('npm/package.json', '{"type":"commonjs"}')
})

afterEach(() => rmSync(dirname(root), { recursive: true, force: true }))

const npmLog = () => join(root, 'npm.log')
const npmCalls = () => (existsSync(npmLog()) ? readFileSync(npmLog(), 'utf8').trim().split('\n') : [])

function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, 'tools', 'launcher.mjs'), ...args], {
    cwd: tmpdir(),
    env: { ...process.env, npm_execpath: join(root, 'npm', 'npm-cli.js'), FAKE_NPM_LOG: npmLog(), ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output += bytes
    })
  }
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number, output })) }
}

describe('the launcher', () => {
  it('installs what is missing once, and runs the command from any folder with its arguments and exit code', async () => {
    const first = await start(['verify', '--json', 'two words']).ended
    expect(first).toMatchObject({ code: 0 })
    expect(first.output).toContain('Installing packages')
    expect(first.output).toContain(JSON.stringify({ what: 'verify', rest: ['--json', 'two words'], cwd: tmpdir() }))
    expect((await start(['fail']).ended).code).toBe(7)
    expect(npmCalls()).toEqual([root])
  })

  it('installs again when the lock file changed', async () => {
    await start(['x']).ended
    writeFileSync(join(root, 'package-lock.json'), '{"name":"x","packages":{"node_modules/a":{"version":"2.0.0"}}}')
    await start(['x']).ended
    expect(npmCalls()).toHaveLength(2)
  })

  it('trusts what npm itself says it installed', async () => {
    mkdirSync(join(root, 'node_modules'))
    cpSync(join(root, 'package-lock.json'), join(root, 'node_modules', '.package-lock.json'))
    await start(['x']).ended
    expect(npmCalls()).toEqual([])
  })

  it('installs once when it is started twice at once', async () => {
    const both = await Promise.all([start(['x']).ended, start(['y']).ended])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(npmCalls()).toHaveLength(1)
  })

  it('says plainly that there is no network', async () => {
    const { code, output } = await start(['x'], { FAKE_NPM_FAILS: '1' }).ended
    expect(code).toBe(3)
    expect(output).toContain('no connection to the npm registry')
    expect(output).not.toContain('    at ')
  })

  it('passes signals on', async () => {
    const { child, ended } = start(['wait'])
    for await (const [bytes] of on(child.stdout, 'data')) if (String(bytes).includes('"what":"wait"')) break
    child.kill('SIGTERM')
    expect((await ended).code).toBe(42)
  })

  it('runs any file with a Node that runs TypeScript', async () => {
    writeFileSync(
      join(root, 'typed.ts'),
      'const answer: string[] = process.argv.slice(2)\nconsole.log(answer.join())\n',
    )
    const { code, output } = await start(['--npm', 'node', 'typed.ts', '--list', 'one']).ended
    expect(code).toBe(0)
    expect(output).toContain('--list,one')
  })

  it('names its tasks when asked for another', async () => {
    const { code, output } = await start(['--npm', 'tset']).ended
    expect(code).toBe(2)
    expect(output).toContain('test, test:integration, test:faults, check, format, node, pack, bench')
  })
})

describe('the lock of an installation', () => {
  const waiting = { tellEveryMs: 10, giveUpMs: 300 }
  const exclusively = async (work: () => Promise<void>) => {
    const install = await import(join(root, 'tools', 'install.mjs'))
    await install.exclusively(root, work, waiting)
  }

  it('is waited for, and not for ever', async () => {
    const waits = exclusively(async () => await expect(exclusively(async () => undefined)).rejects.toThrow('remove'))
    await waits
    await exclusively(async () => undefined)
  })

  it('that cannot be written is an error with its path and not a wait', async () => {
    const install = pathToFileURL(join(root, 'tools', 'install.mjs')).href
    const code = `import('${install}').then((it) => it.exclusively(process.argv[1], async () => undefined))
      .catch((error) => console.log(error.message))`
    mkdirSync(join(root, 'tools', 'node_modules'))
    // A process that may write nowhere, whoever runs the tests.
    const child = spawn(process.execPath, ['--permission', '--allow-fs-read=*', '-e', code, root])
    const [output] = (await once(child.stdout, 'data')) as [Buffer]
    expect(String(output)).toContain(join(root, 'tools', 'node_modules'))
    expect(String(output)).toContain('cannot be written')
  })

  it('is not taken where the page is built already', async () => {
    const build = join(root, 'dashboards', 'live', 'build.ts')
    mkdirSync(dirname(build), { recursive: true })
    writeFileSync(build, "if (!process.argv.includes('--check')) process.exit(9)\n")
    await start(['x']).ended
    rmSync(join(root, 'tools', 'node_modules'), { recursive: true, force: true })
    writeFileSync(join(root, 'tools', 'node_modules'), 'no folder, so that no lock fits in')
    expect((await start(['up']).ended).code).toBe(0)
  })
})

describe('a Node of its own', () => {
  it('is taken where the host is too old, and the host is used where it is not', async () => {
    const { ensureNode } = await import(join(root, 'tools', 'install.mjs'))
    expect(await ensureNode(root, '24.12.0')).toBe(process.execPath)
    const name = `node-${process.platform}-${process.arch}`
    const folder = join(root, 'tools', 'node')
    mkdirSync(join(folder, 'node_modules', name, 'bin'), { recursive: true })
    symlinkSync(process.execPath, join(folder, 'node_modules', name, 'bin', 'node'))
    cpSync(join(folder, 'package-lock.json'), join(folder, 'node_modules', '.package-lock.json'))
    expect(await ensureNode(root, '24.11.1')).toBe(join(folder, 'node_modules', name, 'bin', 'node'))
  })

  it('says what to do where there is none for the platform', async () => {
    writeFileSync(join(root, 'tools', 'node', 'package.json'), '{"optionalDependencies":{}}')
    const { ensureNode } = await import(join(root, 'tools', 'install.mjs'))
    await expect(ensureNode(root, '20.1.0')).rejects.toThrow('Install Node 24 from https://nodejs.org')
  })
})
