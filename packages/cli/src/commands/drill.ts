import { resolve } from 'node:path'
import { drill, drillOnRunning } from '../drill/drill.ts'
import { drillFolder } from '../drill/folder.ts'
import { type DrillFlags, readDrillOptions } from '../drill/options.ts'
import { demandConsent } from '../drill/running-stack.ts'

const usualFolder = './data'

/** Exit code 0 where nothing was lost, doubled or unaccounted for, and the drill was as hard as it promised. */
export async function runDrill(flags: DrillFlags): Promise<number> {
  const running = resolve(flags.dataDir ?? usualFolder)
  const options = readDrillOptions(flags, running)
  if (flags.onRunning) {
    demandConsent(running, flags.yes)
    return await drillOnRunning(options, flags.tokenFile)
  }
  return await drill({ ...options, dataDir: drillFolder(flags) })
}
