import { MillraceError, SpoolFullError } from '@millrace/pipeline'
import { addMissingTables, type Spool, values } from '@millrace/spool'

const key = 'agent'

/**
 * Notes whose spool it is. Rejects where it is another agent's: its messages and accounts name that one, and nobody is
 * believed who speaks for another.
 */
export async function demandOwner(spool: Spool, agent: string): Promise<void> {
  try {
    await addMissingTables(spool, values.schema)
    const noted = await values.get(spool, key)
    if (noted === undefined) await spool.write(values.put(key, Buffer.from(agent)), { reserve: true })
    const owner = noted === undefined ? agent : Buffer.from(noted).toString()
    if (owner === agent) return
    throw new MillraceError('spool-foreign', `the spool is that of the agent ${owner}, not of ${agent}`, {
      hint: 'An agent keeps its name: go on with it, or give this one another dataDir once nothing waits in the former.',
    })
  } catch (error) {
    if (!(error instanceof SpoolFullError)) throw error
  }
}
