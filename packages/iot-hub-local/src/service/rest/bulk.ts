import { z } from 'zod'
import { HubError } from '../../hub-error.ts'
import type { Registry } from '../../types.ts'
import { deviceSchema, newDeviceOf } from './device-body.ts'

const maxDevices = 100

const entrySchema = deviceSchema.extend({
  id: z.string(),
  importMode: z.string().transform((mode) => mode.toLowerCase()),
  eTag: z.string().nullish(),
  etag: z.string().nullish(),
})

type Entry = z.infer<typeof entrySchema>

export interface BulkResult {
  isSuccessful: boolean
  errors: { deviceId: string; errorCode: string; errorStatus: string }[]
  warnings: []
}

type Operation = (registry: Registry, entry: Entry) => Promise<unknown>

function tagOf({ eTag, etag }: Entry): string | undefined {
  return (eTag ?? etag)?.replace(/^"(.*)"$/, '$1')
}

function wanted(registry: Registry, entry: Entry) {
  const { deviceId: _same, ...body } = entry
  return newDeviceOf(entry.id, body, registry.get(entry.id))
}

const operations: Record<string, Operation> = {
  create: (registry, entry) => registry.create(wanted(registry, entry)),
  createorupdate: (registry, entry) =>
    registry.get(entry.id) ? registry.update(wanted(registry, entry)) : registry.create(wanted(registry, entry)),
  update: (registry, entry) => registry.update(wanted(registry, entry)),
  updateifmatchetag: (registry, entry) => registry.update(wanted(registry, entry), tagOf(entry)),
  delete: (registry, entry) => registry.remove(entry.id),
  deleteifmatchetag: (registry, entry) => registry.remove(entry.id, tagOf(entry)),
}

async function run(registry: Registry, entry: Entry): Promise<BulkResult['errors']> {
  try {
    const operation = operations[entry.importMode]
    if (!operation) throw new HubError('ArgumentInvalid', `importMode ${entry.importMode} is not done here`)
    await operation(registry, entry)
    return []
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return [{ deviceId: entry.id, errorCode: error.errorName, errorStatus: error.message }]
  }
}

/** Up to 100 devices made, changed or removed, each on its own: what fails is named, the others are done. */
export async function runBulk(registry: Registry, body: unknown): Promise<BulkResult> {
  const parsed = z.array(entrySchema).min(1).max(maxDevices).safeParse(body)
  if (!parsed.success) throw new HubError('ArgumentInvalid', z.prettifyError(parsed.error).replaceAll('\n', ' '))
  const errors = (await Promise.all(parsed.data.map((entry) => run(registry, entry)))).flat()
  return { isSuccessful: errors.length === 0, errors, warnings: [] }
}
