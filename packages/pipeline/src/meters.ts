import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type { Counter, Gauge, Histogram } from 'prom-client'

export interface Meters {
  /** Meters of one name are one meter, whoever asks for it. */
  counter(name: string, help: string, labels?: readonly string[]): Counter<string>
  gauge(name: string, help: string, labels?: readonly string[]): Gauge<string>
  /** `buckets` are upper bounds in the unit that the name states. */
  histogram(name: string, help: string, options?: { labels?: readonly string[]; buckets?: number[] }): Histogram<string>
  /** Everything in Prometheus' text format. */
  text(): Promise<string>
}

/** Meters of one service in a registry of its own; each name begins with `prefix_`. */
export function createMeters(prefix: string): Meters {
  const registry = new Registry()
  const byName = new Map<string, unknown>()
  const once = <T>(name: string, create: (fullName: string) => T): T => {
    if (!byName.has(name)) byName.set(name, create(`${prefix}_${name}`))
    return byName.get(name) as T
  }
  const common = (help: string, labels: readonly string[] = []) => ({
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  addProcessMeters(registry, prefix)
  return {
    counter: (name, help, labels) => once(name, (fullName) => new Counter({ name: fullName, ...common(help, labels) })),
    gauge: (name, help, labels) => once(name, (fullName) => new Gauge({ name: fullName, ...common(help, labels) })),
    histogram: (name, help, { labels, buckets } = {}) =>
      once(name, (fullName) => {
        return new Histogram({ name: fullName, ...common(help, labels), ...(buckets ? { buckets } : {}) })
      }),
    text: () => registry.metrics(),
  }
}

function addProcessMeters(registry: Registry, prefix: string): void {
  new Gauge({
    name: `${prefix}_process_resident_bytes`,
    help: 'Resident memory of the process',
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Gauge({
    name: `${prefix}_process_cpu_seconds_total`,
    help: 'CPU time of the process, user and system',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage()
      this.set((user + system) / 1e6)
    },
  })
}
