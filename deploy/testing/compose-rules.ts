import { z } from 'zod'

const duration = z.string().regex(/^\d+(ms|s|m|h)$/)
const name = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/)
const words = z.union([z.string(), z.array(z.string())])

const healthcheck = z.strictObject({
  test: z.tuple([z.literal('CMD')], z.string()),
  interval: duration,
  timeout: duration,
  retries: z.int().positive(),
  start_period: duration,
})

const condition = z.enum(['service_started', 'service_healthy', 'service_completed_successfully'])

const service = z.strictObject({
  profiles: z.array(name).nonempty(),
  image: z.string(),
  build: z.string().optional(),
  user: z.string().optional(),
  command: words.optional(),
  entrypoint: words.optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  depends_on: z.record(name, z.strictObject({ condition })).optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: healthcheck.optional(),
  network_mode: z.enum(['none', 'bridge', 'host']).optional(),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  tmpfs: words.optional(),
  cap_drop: z.array(z.string()).optional(),
  cap_add: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: duration.optional(),
  pids_limit: z.int().positive().optional(),
  mem_limit: z
    .string()
    .regex(/^\d+[mg]$/)
    .optional(),
})
export type ComposeService = z.output<typeof service>

/** The part of the Compose specification that our file uses; a key outside it is a mistake until it is added here. */
export const composeSchema = z.strictObject({
  name,
  'x-confined': z.unknown(),
  'x-service': z.unknown(),
  services: z.record(name, service),
  volumes: z.record(name, z.null()),
})
export type Compose = z.output<typeof composeSchema>

/** The text as Compose reads it with none of the file's variables set. */
export function interpolate(text: string): string {
  return text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').replaceAll('$$', '$')
}

/** The volume or path on the host, and where it is mounted. */
export function readMount(text: string): { source: string; target: string; readOnly: boolean } {
  const [source = '', target = '', mode] = interpolate(text).split(':')
  return { source, target, readOnly: mode === 'ro' }
}

/** The services that a profile starts, those they wait for first. */
export function startOrder({ services }: Compose, profile: string): string[] {
  const order: string[] = []
  const add = (name: string): void => {
    if (order.includes(name)) return
    for (const other of Object.keys(services[name]?.depends_on ?? {})) add(other)
    order.push(name)
  }
  for (const [name, { profiles }] of Object.entries(services)) if (profiles.includes(profile)) add(name)
  return order
}
