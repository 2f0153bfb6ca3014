import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { credentialLine } from '@millrace/transports'

/** Users of the images, who alone may read the files meant for them. */
const owners = { simulator: 1000, agent: 1000, mosquitto: 1883, ingest: 1000, influxdb: 0, grafana: 472 } as const
export type Consumer = keyof typeof owners

const names = [
  'devices',
  'uplink',
  'ingestMqtt',
  'agentHttp',
  'ingestHttp',
  'influxAdmin',
  'influxReader',
  'grafanaAdmin',
] as const
export type Secrets = Record<(typeof names)[number], string>

/** Who may publish at the agent beside the simulator: a device for itself, a service for any device. */
type Accounts = Record<string, { role: 'device' | 'service'; password: string }>

/** The master copies: what the services were once told must stay the same when one of their volumes is lost. */
const master = { secrets: 'generated/secrets.json', accounts: 'generated/accounts.json' }

const newSecret = () => randomBytes(24).toString('base64url')

function complete(known: Partial<Secrets>): Secrets {
  return Object.fromEntries(names.map((name) => [name, known[name] ?? newSecret()])) as Secrets
}

/** A line of Mosquitto's password file: PBKDF2 with SHA-512, as mosquitto_passwd writes it. */
export function mosquittoLine(user: string, password: string): string {
  const rounds = 101
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, rounds, 64, 'sha512')
  return `${user}:$7$${rounds}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** What each consumer finds in its volume, by file name. */
export async function filesOf(
  secrets: Secrets,
  accounts: Accounts = {},
): Promise<Record<Consumer, Record<string, string>>> {
  const devices = [
    credentialLine('simulator', 'service', secrets.devices),
    ...Object.entries(accounts).map(([user, { role, password }]) => credentialLine(user, role, password)),
  ]
  const broker = [mosquittoLine('agent', secrets.uplink), mosquittoLine('ingest', secrets.ingestMqtt)]
  return {
    simulator: { 'mqtt-password': secrets.devices },
    agent: {
      devices: (await Promise.all(devices)).join('\n'),
      'uplink-password': secrets.uplink,
      'http-token': secrets.agentHttp,
    },
    mosquitto: { passwords: broker.join('\n') },
    ingest: {
      'mqtt-password': secrets.ingestMqtt,
      'influxdb-password': secrets.influxAdmin,
      'http-token': secrets.ingestHttp,
    },
    influxdb: { 'admin-password': secrets.influxAdmin, 'reader-password': secrets.influxReader },
    grafana: { 'admin-password': secrets.grafanaAdmin, 'influxdb-password': secrets.influxReader },
  }
}

interface Place {
  folder: string
  /** False where only root may give files away, as in tests. */
  giveAway: boolean
}

async function put(file: string, text: string, owner: number | undefined): Promise<void> {
  const next = `${file}.new`
  await writeFile(next, `${text}\n`, { mode: 0o600 })
  await chmod(next, 0o600)
  if (owner !== undefined) await chown(next, owner, owner)
  await rename(next, file)
}

async function readMaster<T>(file: string): Promise<Partial<T>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  return JSON.parse(text) as Partial<T>
}

/**
 * Makes an account of the agent's broker and returns its password, the old one where it has one already. It counts
 * from the next `writeSecrets` and start of the agent. Rejects with a RangeError where the name cannot be one.
 */
export async function addAccount(folder: string, user: string, role: 'device' | 'service'): Promise<string> {
  if (!/^[\w.-]{1,64}$/.test(user) || user === 'simulator') {
    throw new RangeError(`--${role} ${user}: a name of 1 to 64 of A-Z a-z 0-9 . _ - is needed, other than simulator`)
  }
  const file = join(folder, master.accounts)
  const accounts = (await readMaster<Accounts>(file)) as Accounts
  const password = accounts[user]?.password ?? newSecret()
  await mkdir(join(folder, 'generated'), { recursive: true })
  await put(file, JSON.stringify({ ...accounts, [user]: { role, password } }), undefined)
  return password
}

/** Generates what is missing and hands every consumer its files again; nothing that exists ever changes. */
export async function writeSecrets({ folder, giveAway }: Place): Promise<Secrets> {
  const file = join(folder, master.secrets)
  const secrets = complete(await readMaster<Secrets>(file))
  await mkdir(join(folder, 'generated'), { recursive: true })
  await put(file, JSON.stringify(secrets), undefined)
  const files = await filesOf(secrets, (await readMaster<Accounts>(join(folder, master.accounts))) as Accounts)
  for (const [consumer, owner] of Object.entries(owners)) {
    await mkdir(join(folder, consumer), { recursive: true })
    for (const [name, text] of Object.entries(files[consumer as Consumer])) {
      await put(join(folder, consumer, name), text, giveAway ? owner : undefined)
    }
  }
  return secrets
}

function describe({ ingestHttp, agentHttp, grafanaAdmin, devices }: Secrets): string {
  return [
    `page and API   http://localhost:8080   any user, password ${ingestHttp}`,
    `agent          http://localhost:8081   any user, password ${agentHttp}`,
    `Grafana        http://localhost:3000   user admin, password ${grafanaAdmin}`,
    `devices        mqtt://localhost:1883   user simulator, password ${devices}`,
  ].join('\n')
}

const options = {
  folder: { type: 'string', default: '/secrets' },
  show: { type: 'boolean' },
  device: { type: 'string' },
  service: { type: 'string' },
} as const

async function main(): Promise<void> {
  const { folder, show, ...users } = parseArgs({ options }).values
  for (const role of ['device', 'service'] as const) {
    const user = users[role]
    if (user === undefined) continue
    const password = await addAccount(folder, user, role)
    process.stdout.write(`user ${user}, password ${password}; it counts once the agent was started again\n`)
  }
  const secrets = await writeSecrets({ folder, giveAway: process.getuid?.() === 0 })
  if (show) process.stdout.write(`${describe(secrets)}\n`)
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    process.stderr.write(`secrets: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof RangeError ? 2 : 1
  })
}
