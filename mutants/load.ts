/** `node --import <this file>` with MILLRACE_MUTANT=<name>: the one file is changed as it is loaded, in every thread. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { chosenMutant } from './chosen.ts'
import { applyMutant } from './mutant.ts'

const chosen = chosenMutant()
if (chosen !== undefined) {
  const { mutant, path } = chosen
  const url = pathToFileURL(path).href
  registerHooks({
    load(asked, context, nextLoad) {
      const loaded = nextLoad(asked, context)
      if (asked !== url) return loaded
      const { source } = loaded
      if (source === undefined || source === null) throw new Error(`mutant ${mutant.name}: no source of ${url}`)
      const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8')
      return { ...loaded, source: applyMutant(mutant, text) }
    },
  })
}
