import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hubTiers } from '@millrace/contracts'
import { parseConfig } from '@millrace/pipeline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configSchema } from '../../cloud-ingest/src/config.ts'
import { agentConfigSchema } from '../../edge-agent/src/config.ts'
import { type BicepFile, type Declared, readBicep } from './testing/bicep.ts'
import { functions, knownElements, knownTypes } from './testing/known-types.ts'

const folder = import.meta.dirname
const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const names = ['main.bicep', ...readdirSync(join(folder, 'modules')).map((name) => `modules/${name}`)]
const files: ReadonlyMap<string, BicepFile> = new Map(names.map((name) => [name, readBicep(read(name))]))
const all = [...files]
const resources = all.flatMap(([, { declared }]) => declared.filter(({ kind }) => kind === 'resource'))
const modules = files.get('main.bicep')!.declared.filter(({ kind }) => kind === 'module')
const one = (type: string): Declared => resources.find(({ of }) => of.startsWith(`${type}@`))!
/** Paths that hold a value, not those that only hold others. */
const leaves = (properties: ReadonlyMap<string, string>) =>
  [...properties].filter(
    ([path]) => ![...properties.keys()].some((other) => other.startsWith(`${path}.`) || other.startsWith(`${path}[]`)),
  )

describe('the templates, as far as they can be judged without a compiler,', () => {
  test('declare every name that they use, and use every name that they declare', () => {
    for (const [name, { params, vars, declared, outputs, used }] of all) {
      const symbols = declared.map(({ symbol }) => symbol)
      const known = new Set([...params.keys(), ...vars.keys(), ...symbols])
      const unknown = [...used].filter((word) => !known.has(word) && !functions.has(word))
      expect(unknown, `${name}: used and not declared`).toEqual([])
      const idle = [...params.keys(), ...vars.keys()].filter((word) => !used.has(word))
      expect(idle, `${name}: declared and not used`).toEqual([])
      expect([...outputs.keys()].length + symbols.length, name).toBeGreaterThan(0)
    }
  })

  test('call every module there is, with its parameters, and read outputs that it has', () => {
    expect(modules.map(({ of }) => of).toSorted()).toEqual(names.filter((name) => name !== 'main.bicep').toSorted())
    const text = read('main.bicep')
    for (const { of, symbol, properties } of modules) {
      const { params, outputs } = files.get(of)!
      const given = [...properties.keys()].flatMap((path) => (path.startsWith('params.') ? [path.slice(7)] : []))
      expect(
        given.filter((param) => !params.has(param)),
        `${of} does not take these`,
      ).toEqual([])
      const missing = [...params].filter(([param, { required }]) => required && !given.includes(param))
      expect(missing, `${of} needs these`).toEqual([])
      const asked = [...text.matchAll(new RegExp(`\\b${symbol}\\.outputs\\.(\\w+)`, 'g'))].map(([, output]) => output!)
      expect(
        asked.filter((output) => !outputs.has(output)),
        `${of} does not give these`,
      ).toEqual([])
    }
  })

  test('name resource types, versions and properties as they are known', () => {
    for (const { of, properties } of resources) {
      const known = knownTypes[of]
      expect(known, `${of} is not a known version`).toBeDefined()
      const found = leaves(properties).map(([path]) => path.replace(/\.\$\{\w+\}$/, '.*').replace(/\[\]$/, ''))
      expect(
        found.filter((path) => !known!.includes(path)),
        of,
      ).toEqual([])
    }
    const { vars } = files.get('modules/hub.bicep')!
    const elements = (name: string) => [...vars.get(name)!.keys()].map((path) => path.replace(/^.*\./, ''))
    expect(elements('ownPolicies').toSorted()).toEqual(knownElements.policy)
    for (const route of ['ingestRoute', 'archiveRoute']) {
      const paths = [...vars.get(route)!.keys()].filter((path) => !path.endsWith('[]'))
      expect(paths.toSorted(), route).toEqual([...knownElements.route!].toSorted())
    }
  })

  test('ask for tiers that the agent knows, with twins and methods', () => {
    const allowed = /@allowed\(\[([^\]]*)\]\)\s*param sku /.exec(read('main.bicep'))![1]!.match(/\w+/g)!
    expect(allowed).toEqual(Object.keys(hubTiers).filter((tier) => !tier.startsWith('B')))
  })
})

describe('the deployment', () => {
  test('tells no secret in its outputs', () => {
    for (const [name, { outputs }] of all) {
      const text = [...outputs].flat().join(' ')
      expect(text, name).not.toMatch(/list\w*\(|key\b|hubKey|sas|signature|connectionString|secret/i)
    }
    expect([...files].filter(([, { used }]) => used.has('listKeys')).map(([name]) => name)).toEqual([
      'modules/dps.bicep',
    ])
  })

  test('gives the ingest ServiceConnect, registration the registry, and nobody the rights of an owner', () => {
    const rights = [...files.get('modules/hub.bicep')!.vars].flatMap(([, properties]) =>
      [...properties].filter(([path]) => path.endsWith('rights')).map(([, value]) => value),
    )
    expect(rights.join(' ')).toBe(
      "'ServiceConnect' 'RegistryRead, RegistryWrite' 'RegistryRead, RegistryWrite, ServiceConnect'",
    )
    const roles = resources.filter(({ of }) => of.startsWith('Microsoft.Authorization/roleAssignments@'))
    expect(roles.map(({ properties }) => properties.get('scope'))).toEqual(['hub', 'archiveBlobs', 'checkpointBlobs'])
  })

  test('sends every message to the endpoint that the ingest reads, whatever else is routed', () => {
    const hub = one('Microsoft.Devices/IotHubs').properties
    const route = files.get('modules/hub.bicep')!.vars.get('ingestRoute')!
    expect([route.get('condition'), route.get('isEnabled'), route.get('endpointNames[]')]).toEqual([
      "'true'",
      'true',
      "'events'",
    ])
    expect(hub.get('properties.routing.routes[]')!.match(/ingestRoute/g)).toHaveLength(2)
    expect(hub.get('properties.routing.fallbackRoute.isEnabled')).toBe('true')
    expect(hub.get('properties.routing.fallbackRoute.endpointNames[]')).toBe("'events'")
  })

  test('takes TLS 1.2 and better, and shows no blob to the public', () => {
    expect(one('Microsoft.Devices/IotHubs').properties.get('properties.minTlsVersion')).toBe("'1.2'")
    const account = one('Microsoft.Storage/storageAccounts').properties
    expect(account.get('properties.minimumTlsVersion')).toBe("'TLS1_2'")
    expect(account.get('properties.supportsHttpsTrafficOnly')).toBe('true')
    expect(account.get('properties.allowBlobPublicAccess')).toBe('false')
    const containers = resources.filter(({ of }) => of.includes('/containers@'))
    expect(containers.map(({ properties }) => properties.get('properties.publicAccess'))).toEqual(["'None'", "'None'"])
  })

  test('is provisioned by azd and by its parameter file from the same template', () => {
    expect(parse(read('azure.yaml'))).toEqual({
      name: 'millrace',
      infra: { provider: 'bicep', path: '.', module: 'main' },
    })
    const params = [...read('main.bicepparam').matchAll(/^param (\w+) =/gm)].map(([, name]) => name!)
    expect(read('main.bicepparam')).toContain("using './main.bicep'")
    expect(params.filter((name) => !files.get('main.bicep')!.params.has(name))).toEqual([])
  })
})

describe('the reader of templates', () => {
  test('finds a property that is not known, a name that is not declared, and a line it does not understand', () => {
    const broken = readBicep(
      `param a string\nresource r 'T@1' = {\n  name: b\n  properties: {\n    wrong: '\${c}'\n  }\n}\n`,
    )
    expect(broken.used).toEqual(new Set(['b', 'c']))
    expect(broken.declared[0]!.properties.get('properties.wrong')).toBe(`'\${c}'`)
    expect(() => readBicep("resource r 'T@1' = {\n  ?\n}\n")).toThrow('not understood')
    expect(() => readBicep('parma a string\n')).toThrow('not understood')
  })
})

describe('the example configs', () => {
  test('are what agent and ingest take', () => {
    const agent = parseConfig(read('agent.yaml'), agentConfigSchema, 'agent.yaml')
    const ingest = parseConfig(read('ingest.yaml'), configSchema, 'ingest.yaml')
    expect(agent.uplink).toMatchObject({
      type: 'iot-hub',
      connectionStringFile: `./secrets/device-${agent.agent}.connection`,
    })
    expect(ingest.collect).toMatchObject({ type: 'iot-hub', consumerGroup: 'millrace' })
    expect(read('main.bicep')).toContain("param consumerGroup string = 'millrace'")
  })
})

describe('docs/azure.md', () => {
  const page = read('../../docs/azure.md')
  const main = files.get('main.bicep')!

  test('names every parameter, and no parameter or output that there is not', () => {
    const given = [...page.matchAll(/\b(\w+)=(?:blob|true|F1|\$me)\b/g)].map(([, name]) => name!)
    expect(given.filter((name) => !main.params.has(name))).toEqual([])
    const asked = [...page.matchAll(/properties\.outputs\.(\w+)\.value/g)].map(([, name]) => name!)
    expect(asked.filter((name) => !main.outputs.has(name))).toEqual([])
    expect([...main.params.keys()].filter((name) => !page.includes(`\`${name}`)).toSorted()).toEqual([])
  })

  test('moves from the local hub by two files, which its configs name as `millrace hub` does', () => {
    for (const name of ['event-hub.connection', 'device-pi-01.connection']) {
      expect(page.includes(`\`${name}\``), name).toBe(true)
      expect(`${read('agent.yaml')}${read('ingest.yaml')}`).toContain(`./secrets/${name}`)
    }
  })
})

describe('connect.sh', () => {
  let out: string
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'millrace-azure-'))
  })
  afterEach(() => rmSync(out, { recursive: true }))

  /** Azure's command as far as the script asks it; what it was asked is written down. */
  function standIn(checkpoints: string, answer = 'HostName=h;DeviceId=pi-01;SharedAccessKey=SECRET'): void {
    const script = `#!/bin/sh
echo "$*" >> "${out}/asked"
case "$*" in
  *outputs.hubName*) echo millrace-abc ;;
  *outputs.ingestPolicy*) echo millrace-ingest ;;
  *outputs.checkpointContainer*) echo "${checkpoints}" ;;
  *outputs.storageAccount*) echo millraceabc ;;
  *device-identity\\ show*) exit 3 ;;
  *device-identity\\ connection-string*) echo "${answer}" ;;
  *hub\\ connection-string*) echo 'Endpoint=sb://n/;SharedAccessKeyName=p;SharedAccessKey=SECRET;EntityPath=e' ;;
  *account\\ show*) echo https://millraceabc.blob.core.windows.net/ ;;
  *keys\\ list*) echo ACCOUNTKEY ;;
  *generate-sas*) [ "$AZURE_STORAGE_KEY" = ACCOUNTKEY ] && echo 'sp=crwl&sig=SECRET' ;;
esac
`
    writeFileSync(join(out, 'az'), script)
    chmodSync(join(out, 'az'), 0o755)
  }

  function run(...flags: string[]) {
    const args = [
      join(folder, 'connect.sh'),
      '--group',
      'g',
      '--device',
      'pi-01',
      '--out',
      join(out, 'secrets'),
      ...flags,
    ]
    return spawnSync('sh', args, { encoding: 'utf8', env: { PATH: `${out}:${process.env.PATH}` } })
  }

  test('writes what was asked for into files of the user alone, and shows and passes on no secret', () => {
    standIn('checkpoints')
    const { status, stdout, stderr } = run()
    expect(status, stderr).toBe(0)
    const secrets = join(out, 'secrets')
    expect(readdirSync(secrets).toSorted()).toEqual([
      'checkpoints.connection',
      'device-pi-01.connection',
      'event-hub.connection',
    ])
    for (const name of readdirSync(secrets)) expect(statSync(join(secrets, name)).mode & 0o777, name).toBe(0o600)
    expect(statSync(secrets).mode & 0o777).toBe(0o700)
    expect(readFileSync(join(secrets, 'checkpoints.connection'), 'utf8')).toBe(
      'BlobEndpoint=https://millraceabc.blob.core.windows.net/;SharedAccessSignature=sp=crwl&sig=SECRET\n',
    )
    const asked = readFileSync(join(out, 'asked'), 'utf8')
    expect(asked).toMatch(/device-identity create --hub-name millrace-abc --device-id pi-01 --auth-type login/)
    expect(asked).toMatch(/--policy-name millrace-ingest --default-eventhub/)
    expect(`${asked}${stdout}${stderr}`).not.toMatch(/SECRET|ACCOUNTKEY/)
  })

  test('asks for no key of a storage account where the checkpoints are files', () => {
    standIn('')
    expect(run().status).toBe(0)
    expect(readFileSync(join(out, 'asked'), 'utf8')).not.toContain('storage')
    expect(existsSync(join(out, 'secrets', 'checkpoints.connection'))).toBe(false)
  })

  test('ends with a failure, and without an empty file, where Azure answers nothing', () => {
    standIn('', '')
    const { status, stderr } = run()
    expect(status).toBe(1)
    expect(stderr).toContain('nothing came for device-pi-01.connection')
    expect(readdirSync(join(out, 'secrets'))).toEqual([])
  })

  test('names files as `millrace hub` does, and takes no name that an agent cannot have', () => {
    standIn('')
    expect(run('--device', 'hall:1').stdout).toContain('/device-hall%3A1.connection')
    for (const name of ['../up', 'a b', '-x']) expect(run('--device', name), name).toMatchObject({ status: 2 })
  })

  test('explains itself where something is missing', () => {
    expect(run('--nonsense', 'x')).toMatchObject({ status: 2, stderr: expect.stringContaining('usage: connect.sh') })
  })
})
