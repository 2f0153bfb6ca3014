import { createMqttLink, type MqttLink } from '@millrace/transports'

export interface DeviceObject {
  ts?: number
  seq?: number
  boot?: string
  readings: Record<string, unknown>
}

/** A device that keeps each message until its PUBACK, however often it has to send it. */
export class Device {
  readonly site: string
  readonly name: string
  /** Objects whose PUBACK came. */
  readonly acknowledged: DeviceObject[] = []
  readonly #link: MqttLink

  constructor(url: string, site: string, name: string) {
    this.site = site
    this.name = name
    this.#link = createMqttLink({ url, clientId: `device-${site}-${name}`, clean: false })
  }

  async start(): Promise<this> {
    await this.#link.start()
    return this
  }

  /** Resolves on PUBACK. */
  async send(...objects: DeviceObject[]): Promise<void> {
    await this.raw(JSON.stringify(objects.length === 1 ? objects[0] : objects))
    this.acknowledged.push(...objects)
  }

  async raw(body: string): Promise<void> {
    await this.#link.publish({ topic: `telemetry/${this.site}/${this.name}`, body: Buffer.from(body) })
  }

  stop(): Promise<void> {
    return this.#link.stop()
  }
}

/** What a window of a metric must hold, by `site/device/metric/start`: distinct readings by `seq`. */
export function expectedWindows(devices: readonly Device[], lengthMs: number) {
  const windows = new Map<string, Map<number, number>>()
  for (const { site, name, acknowledged } of devices) {
    for (const { ts, seq, readings } of acknowledged) {
      const start = Math.floor(ts! / lengthMs) * lengthMs
      for (const [metric, value] of Object.entries(readings)) {
        const key = `${site}/${name}/${metric}/${start}`
        const window = windows.get(key) ?? new Map<number, number>()
        windows.set(key, window.set(seq!, value as number))
      }
    }
  }
  return windows
}
