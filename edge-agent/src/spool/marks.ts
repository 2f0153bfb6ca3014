import { addMissingTables, type Spool, type Statement, values } from '@millrace/spool'

const keyOf = (key: string) => `collect/${key}`

/** What sources said of the deliveries that the spool has; the table is there once a source has asked. */
export async function loadMarks(spool: Spool, prefix: string): Promise<ReadonlyMap<string, Uint8Array>> {
  await addMissingTables(spool, values.schema)
  const found = await values.all(spool, keyOf(prefix))
  return new Map([...found].map(([key, bytes]) => [key.slice(keyOf('').length), bytes]))
}

export function markStatements(marks: ReadonlyMap<string, Uint8Array> = new Map()): Statement[] {
  return [...marks].flatMap(([key, bytes]) => values.put(keyOf(key), bytes))
}
