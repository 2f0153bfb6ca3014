import { randomBytes } from 'node:crypto'
import type { Logger } from '@millrace/pipeline'
import { type Publisher, publishers } from './publish/index.ts'
import type { Settings } from './settings.ts'

/**
 * The connections of a run. Their client ids are new each time, so that no earlier run's connection is taken over, and
 * begin with the user's name where there is one: a broker that binds ids to users asks for that.
 */
export async function createPublishers(settings: Settings, log: Logger): Promise<Publisher[]> {
  const { url, username, passwordFile, ca, cert, key } = settings
  const run = `${username === undefined ? '' : `${username}/`}simulate-${randomBytes(4).toString('hex')}`
  const address = Object.fromEntries(
    Object.entries({ url, username, passwordFile, ca, cert, key }).filter(([, value]) => value !== undefined),
  )
  return await Promise.all(
    Array.from({ length: settings.connections }, (_none, index) =>
      publishers.create({ type: 'mqtt', ...address }, { clientId: `${run}-${index}`, log }),
    ),
  )
}
