import { createHash } from 'node:crypto'
import type { AgentConfig } from './config.ts'

/** Tells one set of settings from another; secrets stand in files of their own and are not in it. */
export function settingsHashOf(config: AgentConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16)
}
