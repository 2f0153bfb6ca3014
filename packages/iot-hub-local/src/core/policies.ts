import { type Spool, values } from '@millrace/spool'
import type { Permission, Policy } from '../types.ts'
import { newKey } from './keys.ts'

const usual: Record<string, Permission[]> = {
  iothubowner: ['registryRead', 'registryWrite', 'serviceConnect', 'deviceConnect'],
  service: ['serviceConnect'],
  device: ['deviceConnect'],
  registryRead: ['registryRead'],
  registryReadWrite: ['registryRead', 'registryWrite'],
}

/** Text kept under a name; made at the first start. */
export async function kept<T>(spool: Spool, name: string, make: () => T): Promise<T> {
  const bytes = await values.get(spool, name)
  if (bytes !== undefined) return JSON.parse(Buffer.from(bytes).toString()) as T
  const made = make()
  await spool.write(values.put(name, Buffer.from(JSON.stringify(made))), { reserve: true })
  return made
}

/** The five policies that a new hub has, each with two keys of its own. */
export function policies(spool: Spool): Promise<Policy[]> {
  return kept(spool, 'policies', () =>
    Object.entries(usual).map(([name, permissions]) => {
      return { name, primaryKey: newKey(), secondaryKey: newKey(), permissions }
    }),
  )
}
