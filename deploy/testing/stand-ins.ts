import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Podman } from './podman.ts'

const run = promisify(execFile)
const base = 'localhost/millrace-test/debian:bookworm'

const aptInstall = (packages: string) =>
  `RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ${packages} && rm -rf /var/lib/apt/lists`

/** Node and npm of this machine on Debian, with the image's user. */
const node = `FROM ${base}
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && useradd --uid 1000 --create-home node
CMD ["node"]
`

const mosquitto = `FROM ${base}
${aptInstall('mosquitto netcat-openbsd')} && usermod --uid 1883 mosquitto
CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
`

const influxdb = `FROM ${base}
${aptInstall('influxdb influxdb-client curl')} && rm -rf /var/lib/influxdb/*
COPY entrypoint.sh /entrypoint.sh
CMD ["influxd"]
`

/** Does at the first start what the real image does with the same variables. */
const influxdbEntrypoint = `#!/bin/bash
set -e
if [ ! -d /var/lib/influxdb/meta ]; then
  INFLUXDB_HTTP_BIND_ADDRESS=127.0.0.1:8086 influxd &
  until influx -execute "CREATE USER \\"$INFLUXDB_ADMIN_USER\\" WITH PASSWORD '$INFLUXDB_ADMIN_PASSWORD' WITH ALL PRIVILEGES"
  do sleep 0.2; done
  query() { influx -username "$INFLUXDB_ADMIN_USER" -password "$INFLUXDB_ADMIN_PASSWORD" -execute "$1"; }
  query "CREATE DATABASE $INFLUXDB_DB"
  query "CREATE USER \\"$INFLUXDB_READ_USER\\" WITH PASSWORD '$INFLUXDB_READ_USER_PASSWORD'"
  query "GRANT READ ON \\"$INFLUXDB_DB\\" TO \\"$INFLUXDB_READ_USER\\""
  kill %1
  wait %1
fi
exec "$@"
`

const exists = async (podman: Podman, image: string) => await podman.succeeds('image', 'exists', image)

/** The root file system goes through a pipe, so that nothing but podman's own copy of it stays. */
async function importBase(podman: Podman, folder: string): Promise<void> {
  const root = join(folder, 'root')
  await run('debootstrap', ['--variant=minbase', 'bookworm', root], { maxBuffer: 2 ** 26 })
  const archive = join(folder, 'root.tar')
  const excluded = ['./proc/*', './sys/*', './dev/*', './var/cache/apt/*', './var/lib/apt/lists/*']
  await run('tar', ['-C', root, ...excluded.map((path) => `--exclude=${path}`), '-cf', archive, '.'])
  await podman.call('import', archive, base)
}

async function build(podman: Podman, image: string, context: string): Promise<void> {
  await podman.call('build', '--network', 'host', '--tag', image, context)
}

async function buildNode(podman: Podman, image: string, context: string): Promise<void> {
  const { stdout } = await run('sh', ['-c', 'readlink -f "$(command -v npm)"'])
  cpSync(dirname(dirname(stdout.trim())), join(context, 'npm'), { recursive: true, dereference: true })
  copyFileSync(process.execPath, join(context, 'node'))
  await build(podman, image, context)
}

/** Images made of Debian's packages under the very tags that the files name; each is made once and kept. */
export async function makeStandIns(podman: Podman, images: { node: string; mosquitto: string; influxdb: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-stand-ins-'))
  try {
    if (!(await exists(podman, base))) await importBase(podman, folder)
    const recipes = { node, mosquitto, influxdb }
    for (const [name, recipe] of Object.entries(recipes)) {
      const image = `docker.io/${images[name as keyof typeof images]}`
      if (await exists(podman, image)) continue
      const context = join(folder, name)
      mkdirSync(context)
      writeFileSync(join(context, 'Containerfile'), recipe)
      writeFileSync(join(context, 'entrypoint.sh'), influxdbEntrypoint, { mode: 0o755 })
      await (name === 'node' ? buildNode(podman, image, context) : build(podman, image, context))
    }
  } finally {
    // Where debootstrap broke off, /proc may still be mounted in there.
    await run('rm', ['-rf', '--one-file-system', folder])
  }
}

/** What npm on this machine knows about its registry, as secrets of a build: nothing of it stays in an image. */
export async function npmSecrets(folder: string): Promise<string[]> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'])
  const own = join(homedir(), '.npmrc')
  const npmrc = join(folder, 'npmrc')
  const text = existsSync(own) ? readFileSync(own, 'utf8') : ''
  writeFileSync(npmrc, `${text}\nregistry=${stdout.trim()}\n`, { mode: 0o600 })
  const authorities = process.env.NODE_EXTRA_CA_CERTS ?? ''
  return [
    ...['--secret', `id=npmrc,src=${npmrc}`],
    ...(existsSync(authorities) ? ['--secret', `id=ca,src=${authorities}`] : []),
  ]
}

/** Why containers cannot be run here, or undefined where they can. */
export async function missingForContainers(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'making images with debootstrap needs root'
  for (const [command, flag] of [
    ['podman', '--version'],
    ['runc', '--version'],
    ['debootstrap', '--version'],
    ['npm', '--version'],
  ] as const) {
    const found = await run(command, [flag]).catch(() => undefined)
    if (!found) return `${command} is not installed`
  }
  return undefined
}
