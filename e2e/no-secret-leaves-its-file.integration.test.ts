import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Aedes } from 'aedes'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SmtpFarSide } from '../packages/notify/testing/smtp-far-side.ts'
import { freePort, recordingLogger, until } from '../packages/pipeline/testing/index.ts'
import { createMqttLink, credentialLine, type MqttLink } from '../packages/transports/src/index.ts'
import { Service } from './faults/service.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const closers: (() => Promise<unknown> | unknown)[] = []
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-canaries-'))
  mkdirSync(join(folder, 'rules'))
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

/** Every secret that was given to a service, by the place that took it. */
const canaries = new Map<string, string>()

function canary(place: string): string {
  const secret = `canary${randomBytes(12).toString('hex')}`
  canaries.set(place, secret)
  return secret
}

let files = 0
function secretFile(place: string, text: (secret: string) => string = (secret) => secret): string {
  const file = join(folder, `secret-${files++}`)
  writeFileSync(file, `${text(canary(place))}\n`, { mode: 0o600 })
  return file
}

/** A device's key is base64. */
function keyFile(place: string, text: (key: string) => string): string {
  return secretFile(place, (secret) => text(Buffer.from(secret).toString('base64')))
}

/** How a secret may be written. Base64 of what stands before it begins elsewhere, so all three alignments. */
function spellings(secret: string): string[] {
  const shifted = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before, 'x'), Buffer.from(secret)]).toString('base64')
    // The ends mix with the neighbours.
    return text.slice(before === 0 ? 0 : 4, -4)
  })
  return [secret, Buffer.from(secret).toString('hex'), ...shifted]
}

function leaksIn(text: string): string[] {
  return [...canaries]
    .filter(([, secret]) => spellings(secret).some((one) => text.includes(one)))
    .map(([place]) => place)
}

/** A far side that refuses everything and repeats what it was sent. */
async function echo(status: number): Promise<{ url: string; asked(): number }> {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json', 'x-echo': String(request.headers.authorization) })
    response.end(JSON.stringify({ error: `no: ${request.url} ${JSON.stringify(request.headers)}` }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}

/** A broker that knows two users. */
async function cloudBroker(passwords: Readonly<Record<string, string>>): Promise<string> {
  const broker = await Aedes.createBroker({
    authenticate: (...[, user = '', secret, done]) => {
      if (passwords[user] === secret?.toString()) return done(null, true)
      done(Object.assign(new Error('no'), { returnCode: 5 as const }), false)
    },
  })
  const server = createTcpServer((socket) => void broker.handle(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(
    () => new Promise<void>((resolve) => broker.close(resolve)),
    () => server.close(),
  )
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const rule = { kind: 'threshold', select: { metric: 'temperature' }, above: 0, message: 'warm', severity: 'critical' }

/** Each channel with everything secret that it takes, at far sides that refuse and repeat it. */
function channels(at: string, { url, smtpPort, mqtt }: { url: string; smtpPort: number; mqtt: string }) {
  const place = (name: string) => `${at}: ${name}`
  const hook = {
    url: `${url}/hook`,
    secretFile: secretFile(place('webhook secret')),
    tokenFile: secretFile(place('webhook token')),
  }
  const chat = (type: string) => ({
    type,
    name: type,
    urlFile: secretFile(place(type), (secret) => `${url}/${secret}?sig=${secret}`),
  })
  const mail = {
    host: '127.0.0.1',
    port: smtpPort,
    tls: 'none',
    user: 'mailer',
    from: 'a@example.org',
    to: 'b@example.org',
  }
  return [
    { type: 'webhook', name: 'hook', ...hook },
    chat('slack'),
    chat('teams'),
    { type: 'email', name: 'mail', ...mail, passwordFile: secretFile(place('e-mail password')) },
    {
      type: 'mqtt',
      name: 'lamp',
      url: mqtt,
      username: 'nobody',
      passwordFile: secretFile(place('wrong MQTT password')),
    },
    { type: 'log', name: 'log' },
  ]
}

function start(name: string, main: string, config: object): Service {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, JSON.stringify(config))
  const service = new Service(name, [join(repository, main), '--config', file], { keptLines: 100_000 })
  closers.push(() => service.stop())
  service.start()
  return service
}

async function ask(port: number, path: string, token?: string): Promise<string> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-millrace': 'test', ...headers } })
  const head = JSON.stringify([...response.headers])
  return `${path} ${response.status} ${head}\n${Buffer.from(await response.arrayBuffer()).toString('latin1')}`
}

function everyFile(of: string): { name: string; text: string }[] {
  return readdirSync(of, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((name) => ({ name, text: readFileSync(name, 'latin1') }))
}

const agentPaths = ['/healthz', '/readyz', '/metrics', '/api/status', '/api/status?devices=1', '/nothing']
const ingestPaths = [
  ...['/', '/healthz', '/readyz', '/metrics', '/api/series', '/api/status', '/api/accounts', '/api/alerts'],
  ...['/api/pipeline', '/api/silences', '/api/completeness', '/api/backup', '/nothing'],
]

it('no secret is in a log, an error, a meter, an answer, a message, an argument, a spool or a backup', async () => {
  const url = await cloudBroker({ edge: canary('cloud password'), witness: 'w' })
  const passwordFile = join(folder, 'cloud-password')
  writeFileSync(passwordFile, canaries.get('cloud password')!, { mode: 0o600 })
  const heard: string[] = []
  const witness: MqttLink = createMqttLink({ url, clientId: 'witness', username: 'witness', password: 'w' })
  witness.subscribe(['#'], ({ topic, body }) => heard.push(`${topic} ${Buffer.from(body).toString('latin1')}`))
  closers.push(() => witness.stop())
  await witness.start()

  const refusing = await echo(500)
  const influx = await echo(401)
  const smtp = new SmtpFarSide({ user: 'mailer', password: 'another' })
  await smtp.up()
  closers.push(() => smtp.close())
  const far = { url: refusing.url, smtpPort: smtp.port, mqtt: url }

  writeFileSync(join(folder, 'rules', 'edge.yaml'), JSON.stringify({ rules: [{ id: 'warm', at: 'edge', ...rule }] }))
  const deviceSecret = canary('device password')
  writeFileSync(join(folder, 'devices'), await credentialLine('d1', 'device', deviceSecret), { mode: 0o600 })
  const [mqttPort, agentPort, hubAgentPort, ingestPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const agentToken = secretFile('agent token')
  const ingestToken = secretFile('ingest token')
  const common = { site: 'hall', windows: { length: '1s', lateness: '0s', idle: '1s' }, log: { level: 'debug' } }
  const login = { url, username: 'edge', passwordFile }
  const agent = start('agent', 'edge-agent/src/main.ts', {
    ...{ ...common, agent: 'edge-1', dataDir: join(folder, 'agent'), rules: join(folder, 'rules') },
    collect: { type: 'broker', port: mqttPort, credentialsFile: join(folder, 'devices') },
    ...{ uplink: { type: 'mqtt', ...login }, http: { port: agentPort, tokenFile: agentToken } },
    notify: { channels: channels('agent', far) },
  })
  const connection = (key: string) => `HostName=hub.example.org;DeviceId=edge-2;SharedAccessKey=${key}`
  const hubAgent = start('hub-agent', 'edge-agent/src/main.ts', {
    ...{ ...common, agent: 'edge-2', dataDir: join(folder, 'hub-agent'), http: { port: hubAgentPort } },
    collect: { type: 'mqtt', url, username: 'edge', passwordFile: secretFile('wrong collect password') },
    uplink: { type: 'iot-hub', gateway: '127.0.0.1:9', connectionStringFile: keyFile('hub device key', connection) },
  })
  const ingest = start('ingest', 'cloud-ingest/src/main.ts', {
    ...{ dataDir: join(folder, 'ingest'), rules: join(folder, 'rules'), log: { level: 'debug' } },
    collect: { type: 'mqtt', ...login },
    stores: [
      { type: 'duckdb' },
      { type: 'influxdb', url: influx.url, username: 'u', passwordFile: secretFile('influx password') },
    ],
    http: { port: ingestPort, tokenFile: ingestToken },
    notify: { channels: channels('ingest', far) },
  })
  const hubIngest = start('hub-ingest', 'cloud-ingest/src/main.ts', {
    ...{ dataDir: join(folder, 'hub-ingest'), http: { port: await freePort() }, stores: [{ type: 'duckdb' }] },
    collect: {
      ...{ type: 'iot-hub', checkpoints: { type: 'file', dir: join(folder, 'checkpoints') } },
      connectionStringFile: keyFile(
        'event hub key',
        (key) => `Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=reader;SharedAccessKey=${key};EntityPath=hub`,
      ),
    },
    log: { level: 'debug' },
  })
  const services = [agent, hubAgent, ingest, hubIngest]
  const answers: string[] = []
  const tell = async (port: number, path: string, token?: string) => answers.push(await ask(port, path, token))
  const isUp = (port: number) =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      () => true,
      () => false,
    )
  for (const port of [agentPort, hubAgentPort, ingestPort])
    await until(() => isUp(port), { withinMs: 30_000, label: `port ${port}` })

  // A device with the right password, one with a wrong one, and one that sends its secret as a reading's name.
  const device = (username: string, password: string) => {
    const link = createMqttLink({ url: `mqtt://127.0.0.1:${mqttPort}`, clientId: username, username, password })
    closers.push(() => link.stop())
    return link
  }
  const good = device('d1', deviceSecret)
  const bad = device('d2', canary('wrong device password'))
  await Promise.all([good.start(), bad.start()])
  for (let n = 0; n < 5; n++) {
    const body = Buffer.from(JSON.stringify({ ts: Date.now(), seq: n, boot: 'b', readings: { temperature: 20 + n } }))
    await good.publish({ topic: 'telemetry/hall/d1', body })
  }
  await until(() => bad.lastError)
  await until(() => heard.some((line) => line.includes('/summaries')), { withinMs: 20_000, label: 'summaries' })
  await until(() => heard.some((line) => line.includes('/alerts')), { withinMs: 20_000, label: 'an alert' })
  await until(() => refusing.asked() >= 3 && influx.asked() >= 1, { withinMs: 20_000, label: 'refusals' })
  await until(() => agent.log.includes('mail') && hubAgent.log.includes('not connected'), {
    withinMs: 20_000,
    label: 'log lines',
  })

  const [agentSecret, ingestSecret] = [canaries.get('agent token')!, canaries.get('ingest token')!]
  for (const path of agentPaths) {
    await tell(agentPort, path, agentSecret)
    await tell(agentPort, path)
    await tell(agentPort, path, `${agentSecret.slice(0, -1)}x`)
    await tell(hubAgentPort, path)
  }
  for (const path of ingestPaths) {
    await tell(ingestPort, path, ingestSecret)
    await tell(ingestPort, path)
  }
  const text = (name: string) => ({ name, text: answers.filter((answer) => answer.startsWith(name)).join('\n') })
  expect(text('/api/status').text).toContain('edge-1')
  const processes = services.map(({ name, pid }) => ({
    name: `arguments and environment of ${name}`,
    text: ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')).join('\n'),
  }))
  for (const service of services) await service.stop()
  for (const { droppedLines } of services) expect(droppedLines, 'lines that nobody could look at').toBe(0)

  const kept = ['agent', 'hub-agent', 'ingest', 'hub-ingest'].flatMap((name) => everyFile(join(folder, name)))
  const seen = [
    ...services.map(({ name, log }) => ({ name: `log of ${name}`, text: log })),
    ...answers.map((answer) => ({ name: answer.split('\n')[0]!, text: answer })),
    ...[{ name: 'messages to the cloud', text: heard.join('\n') }, ...processes, ...kept],
  ]
  expect(canaries.size).toBeGreaterThan(18)
  expect(seen.flatMap(({ name, text: found }) => leaksIn(found).map((place) => `${place}: in ${name}`))).toEqual([])
})

it('a secret in a wrong place of a config file is not repeated by the error', async () => {
  const secret = canary('misplaced')
  const base = { agent: 'a', site: 's', dataDir: folder, collect: { type: 'broker' } }
  const wrong: [string, object][] = [
    ['edge-agent/src/main.ts', { ...base, uplink: { type: 'mqtt', url: `mqtt://user:${secret}@127.0.0.1` } }],
    ['edge-agent/src/main.ts', { ...base, uplink: { type: 'mqtt', url: 'mqtt://127.0.0.1', password: secret } }],
    ['edge-agent/src/main.ts', { ...base, uplink: { type: 'mqtt', url: 'mqtt://127.0.0.1' }, http: { token: secret } }],
    ['edge-agent/src/main.ts', { ...base, uplink: `HostName=h;DeviceId=d;SharedAccessKey=${secret}` }],
    [
      'cloud-ingest/src/main.ts',
      {
        ...{ dataDir: folder, collect: { type: 'mqtt', url: 'mqtt://127.0.0.1' } },
        stores: [{ type: 'influxdb', url: `http://user:${secret}@127.0.0.1` }],
      },
    ],
  ]
  const services = wrong.map(([main, config], at) => start(`wrong-${at}`, main, config))
  await until(() => services.every(({ running }) => !running), { withinMs: 30_000, label: 'the end of all' })
  for (const { log } of services) {
    expect(log).toContain('ended: 2')
    expect(leaksIn(log)).toEqual([])
  }
})

it('the search finds a secret however it is written', () => {
  const secret = canary('found')
  const log = recordingLogger()
  log.info({ authorization: `Basic ${Buffer.from(`user:${secret}`).toString('base64')}` }, 'x')
  expect(leaksIn(JSON.stringify(log.lines))).toEqual(['found'])
  expect(leaksIn(`... ${secret} ...`)).toEqual(['found'])
  expect(leaksIn('nothing')).toEqual([])
})
