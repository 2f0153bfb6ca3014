import type { LocalHubOptions } from '@millrace/iot-hub-local'
import { type Problem, parseByteSize, parseDuration, UsageError } from '@millrace/pipeline'

export interface HubFlags {
  dataDir: string
  host: string
  hostName?: string[]
  name?: string
  mqttPort: string
  amqpPort: string
  amqpsPort: string
  httpsPort?: string
  partitions?: string
  device?: string[]
  /** Folder for connection strings and the authority, as files instead of text. */
  connections?: string
  eventHub?: string[]
  consumerGroup?: string[]
  groupEnrollment?: string
  throttle?: string
  quota?: string
  retention?: string
  maxBytes?: string
}

export interface HubPlan {
  options: LocalHubOptions
  devices: readonly string[]
  /** Undefined: the port that Microsoft's SDKs call, where this user may open it. */
  httpsPort: number | undefined
}

const defaultPartitions = 4
const hubName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,48}$/
const groupKey = /^[A-Za-z0-9+/]{22,}={0,2}$/

type Read = <Value>(flag: string, text: string | undefined, parse: Parse<Value>) => Value | undefined
interface Parse<Value> {
  expected: string
  of(text: string): Value | undefined
}

function whole(text: string, least: number, most: number): number | undefined {
  return /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined
}

const port: Parse<number> = { expected: 'a port up to 65535, 0 for any', of: (text) => whole(text, 0, 65_535) }
const count: Parse<number> = { expected: 'a number from 1', of: (text) => whole(text, 1, 1e12) }
const partitions: Parse<number> = { expected: '2 to 8', of: (text) => whole(text, 2, 8) }
const duration: Parse<number> = { expected: 'a length such as 6h or 1d', of: parseDuration }
const size: Parse<number> = { expected: 'a size such as 512MiB', of: parseByteSize }
const key: Parse<string> = {
  expected: 'a key in base64 of 16 bytes or more',
  of: (text) => (groupKey.test(text) ? text : undefined),
}
/** As the registry has it. */
const deviceId: Parse<string> = {
  expected: "1 to 128 letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '",
  of: (text) => (/^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/.test(text) ? text : undefined),
}
const eventHub: Parse<{ name: string; partitions: number }> = {
  expected: 'a name, or name:partitions with 1 to 32 of them',
  of(text) {
    const [name = '', number = String(defaultPartitions)] = text.split(':')
    const known = whole(number, 1, 32)
    return hubName.test(name) && known !== undefined ? { name, partitions: known } : undefined
  },
}

/** Only what is there: absent settings have the hub's own defaults. */
function present<Values extends object>(values: Values): { [Key in keyof Values]?: NonNullable<Values[Key]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

function optionsOf(flags: HubFlags, read: Read): LocalHubOptions {
  const group = read('--group-enrollment', flags.groupEnrollment, key)
  return {
    dataDir: flags.dataDir,
    host: flags.host,
    ports: present({
      mqtt: read('--mqtt-port', flags.mqttPort, port),
      amqp: read('--amqp-port', flags.amqpPort, port),
      amqps: read('--amqps-port', flags.amqpsPort, port),
    }),
    limits: present({
      telemetryPerSecond: read('--throttle', flags.throttle, count),
      dailyBlocks: read('--quota', flags.quota, count),
    }),
    eventHubs: (flags.eventHub ?? []).flatMap((text) => read('--event-hub', text, eventHub) ?? []),
    ...present({
      name: flags.name,
      hostNames: flags.hostName,
      consumerGroups: flags.consumerGroup,
      partitions: read('--partitions', flags.partitions, partitions),
      retentionMs: read('--retention', flags.retention, duration),
      maxBytes: read('--max-bytes', flags.maxBytes, size),
      provisioning: group === undefined ? undefined : { groups: [{ name: 'millrace', primaryKey: group }] },
    }),
  }
}

/** Everything wrong with the flags at once. */
export function readHubFlags(flags: HubFlags): HubPlan {
  const problems: Problem[] = []
  const read: Read = (flag, text, { of, expected }) => {
    const value = text === undefined ? undefined : of(text)
    if (text !== undefined && value === undefined) problems.push({ path: flag, found: text, expected })
    return value
  }
  const options = optionsOf(flags, read)
  const httpsPort = read('--https-port', flags.httpsPort, port)
  const devices = (flags.device ?? []).flatMap((id) => read('--device', id, deviceId) ?? [])
  if (problems.length > 0) throw new UsageError('the local hub cannot start like this', problems)
  return { options, devices, httpsPort }
}
