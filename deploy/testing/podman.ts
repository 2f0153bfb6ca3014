import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { type Compose, type ComposeService, interpolate } from './compose-rules.ts'

const run = promisify(execFile)

/** Podman with images, networks and locks of its own: what stands in for real images must not be met elsewhere. */
export class Podman {
  readonly #environment: Record<string, string | undefined>

  constructor(folder: string) {
    this.#environment = {
      ...process.env,
      CONTAINERS_CONF: join(folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
      CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    }
    mkdirSync(folder, { recursive: true })
    // The limits stay below what a machine without CAP_SYS_RESOURCE may give.
    writeFileSync(
      join(folder, 'containers.conf'),
      `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "${folder}/run/libpod"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`,
    )
    writeFileSync(
      join(folder, 'storage.conf'),
      `[storage]
driver = "overlay"
graphroot = "${folder}/storage"
runroot = "${folder}/run"
`,
    )
    writeFileSync(join(folder, 'registries.conf'), 'unqualified-search-registries = ["docker.io"]\n')
  }

  /** Standard output of `podman`, both outputs in the error where it fails. */
  async call(...args: string[]): Promise<string> {
    const options = { env: this.#environment, maxBuffer: 2 ** 26 }
    const { stdout } = await run('podman', args, options).catch((error: Error & { stdout: string; stderr: string }) => {
      throw new Error(`podman ${args.join(' ')}\n${error.stdout.slice(-4_000)}\n${error.stderr.slice(-4_000)}`)
    })
    return stdout.trim()
  }

  /** The newest lines of both outputs of a container. */
  async log(container: string): Promise<string> {
    const options = { env: this.#environment, maxBuffer: 2 ** 26 }
    const told = await run('podman', ['logs', '--tail', '60', container], options).catch(
      (error: Error & { stdout: string; stderr: string }) => error,
    )
    return told.stdout + told.stderr
  }

  async succeeds(...args: string[]): Promise<boolean> {
    return await this.call(...args).then(
      () => true,
      () => false,
    )
  }
}

export interface Project {
  name: string
  /** The folder of the compose file. */
  folder: string
  compose: Compose
  /** Ports on the host in place of those in the file, by port in the container. */
  hostPorts: ReadonlyMap<string, number>
  /** Values of the variables that the file has defaults for. */
  variables: Record<string, string>
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Projects are named for the process that made them; a run that was killed leaves its containers running. */
export const projectName = `millrace-${process.pid}`

/** Takes away containers, networks and volumes of a project, or of every project whose process is gone. */
export async function removeProjects(podman: Podman, which: 'own' | 'abandoned'): Promise<void> {
  const unwanted = (name: string): boolean => {
    const [project, pid] = /^millrace-(\d+)/.exec(name) ?? []
    return which === 'own' ? project === projectName : pid !== undefined && !isAlive(Number(pid))
  }
  const names = async (...list: string[]) => (await podman.call(...list)).split('\n').filter(unwanted)
  const containers = await names('ps', '--all', '--format', '{{.Names}}')
  if (containers.length > 0) await podman.call('rm', '--force', '--time', '5', ...containers)
  for (const network of await names('network', 'ls', '--format', '{{.Name}}'))
    await podman.call('network', 'rm', network)
  const volumes = await names('volume', 'ls', '--format', '{{.Name}}')
  if (volumes.length > 0) await podman.call('volume', 'rm', '--force', ...volumes)
}

const listed = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value])
const wordsOf = (value: string | readonly string[] | undefined) => (typeof value === 'string' ? [value] : (value ?? []))

function mounts({ name, folder, variables }: Project, volumes: readonly string[]): string[] {
  const filled = volumes.map((volume) =>
    interpolate(volume.replaceAll(/\$\{(\w+):-[^}]*\}/g, (text, variable: string) => variables[variable] ?? text)),
  )
  const placed = filled.map((volume) =>
    volume.startsWith('.') ? join(folder, volume) : volume.startsWith('/') ? volume : `${name}_${volume}`,
  )
  return listed('--volume', placed)
}

function published({ hostPorts }: Project, ports: readonly string[]): string[] {
  return listed(
    '--publish',
    ports.map((port) => {
      const [address, , inside = ''] = port.split(':')
      return `${address}:${hostPorts.get(inside) ?? 0}:${inside}`
    }),
  )
}

/**
 * Without podman's own timers, which need systemd: whoever waits runs the check. Podman takes a list of words for a
 * command, without the leading CMD.
 */
function checked(healthcheck: ComposeService['healthcheck']): string[] {
  if (!healthcheck) return []
  const { test, timeout, retries } = healthcheck
  const flags = ['--health-timeout', timeout, '--health-retries', String(retries)]
  return ['--health-cmd', JSON.stringify(test.slice(1)), ...flags, '--health-interval', 'disable']
}

function confined(service: ComposeService): string[] {
  return [
    ...(service.init ? ['--init'] : []),
    ...(service.read_only ? ['--read-only'] : []),
    ...(service.user ? ['--user', service.user] : []),
    ...(service.pids_limit ? ['--pids-limit', String(service.pids_limit)] : []),
    ...(service.mem_limit ? ['--memory', service.mem_limit] : []),
    ...listed('--tmpfs', wordsOf(service.tmpfs)),
    ...listed('--cap-drop', service.cap_drop ?? []),
    ...listed('--cap-add', service.cap_add ?? []),
    ...listed('--security-opt', service.security_opt ?? []),
  ]
}

/** Arguments of `podman run` that say what the compose file says about a service; `composeSchema` knows no other key. */
export function runArguments(project: Project, name: string, extra: readonly string[] = []): string[] {
  const service = project.compose.services[name]!
  const network = service.network_mode ?? `${project.name}:alias=${name}`
  const entrypoint = wordsOf(service.entrypoint).map(interpolate)
  return [
    'run',
    ...['--name', `${project.name}_${name}`, '--network', network, '--restart', service.restart],
    ...confined(service),
    ...listed(
      '--env',
      Object.entries(service.environment ?? {}).map(([key, value]) => `${key}=${value}`),
    ),
    ...mounts(project, service.volumes ?? []),
    ...published(project, service.ports ?? []),
    ...checked(service.healthcheck),
    ...(service.stop_grace_period ? ['--stop-timeout', String(Number.parseInt(service.stop_grace_period, 10))] : []),
    ...(entrypoint.length > 0 ? ['--entrypoint', JSON.stringify(entrypoint)] : []),
    ...extra,
    service.image,
    ...wordsOf(service.command).map(interpolate),
  ]
}

export function parseYaml(text: string): unknown {
  return parse(text, { merge: true })
}
