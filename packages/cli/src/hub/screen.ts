import { resolve } from 'node:path'
import type { LocalHub } from '@millrace/iot-hub-local'

/** The only port that Microsoft's SDKs call over HTTPS. */
export const sdkPort = 443

const notDone = [
  'routes, endpoints of your own, enrichments, file upload, jobs, configurations, modules and IoT Edge',
  'certificate authorities for devices (thumbprints work), DPS with X.509 or TPM, Entra ID',
  'MQTT 5, devices over AMQP or HTTPS, digital twin commands, queries beyond SELECT ... WHERE ... AND ...',
  'the limits of a tier, unless --throttle and --quota set them',
]

function section(title: string, lines: readonly string[]): string {
  return [`${title}`, ...lines.map((line) => `  ${line}`), ''].join('\n')
}

function httpsNote({ ports }: LocalHub): string[] {
  if (ports.https === sdkPort) return []
  return [
    '',
    `azure-iothub calls HTTPS on port ${sdkPort} whatever the connection string says, this hub has it on ${ports.https}:`,
    `start it where it may open ${sdkPort} (Linux: sudo sysctl net.ipv4.ip_unprivileged_port_start=${sdkPort}),`,
    'or give the SDK an https.Agent with that port: docs/iot-hub-local.md.',
  ]
}

function provisioningLines({ ports, provisioning }: LocalHub): string[] {
  const groups = provisioning.groups.map(({ name, primaryKey }) => `group ${name}   ${primaryKey}`)
  return [`host      localhost:${ports.mqtt}`, `id scope  ${provisioning.idScope}`, ...groups]
}

export interface Shown {
  hub: LocalHub
  dataDir: string
  /** Connection strings by device. */
  devices: ReadonlyMap<string, string>
}

/** What a person needs to connect, ready to paste, and what they must not expect. */
export function hubText({ hub, dataDir, devices }: Shown): string {
  const { connectionStrings, core, caFile } = hub
  const others = core.events.all().filter((log) => log !== core.events.builtIn)
  const made = Array.from(devices, ([id, text]) => section(`Device ${id} (azure-iot-device)`, [text]))
  const none = 'none named: --device ID makes one, or azure-iothub does'
  return [
    section(`Millrace's local IoT Hub ${core.name} runs; everything is kept in ${resolve(dataDir)}`, []),
    section('Certificate authority to trust', [resolve(caFile), `export NODE_EXTRA_CA_CERTS=${resolve(caFile)}`]),
    ...(made.length > 0 ? made : [section('Devices', [none])]),
    section('Service (azure-iothub: Registry, Client, methods, twins)', [
      connectionStrings.iothubowner,
      ...httpsNote(hub),
    ]),
    section('Event-Hub-compatible endpoint (@azure/event-hubs)', [connectionStrings.eventHub]),
    ...others.map(({ name }) => {
      const connection = connectionStrings.eventHub.replace(/EntityPath=.*/, `EntityPath=${name}`)
      return section(`Event hub ${name}`, [connection])
    }),
    section('Device provisioning (symmetric keys)', provisioningLines(hub)),
    section('What it does not do', notDone),
    'Ctrl-C stops it.\n',
  ].join('\n')
}
