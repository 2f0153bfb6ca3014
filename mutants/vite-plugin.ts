import { chosenMutant } from './chosen.ts'
import { applyMutant } from './mutant.ts'

/** Does for modules that vite loads what `load.ts` does for those that Node loads. */
export function mutantPlugin() {
  const chosen = chosenMutant()
  return {
    name: 'millrace-mutant',
    enforce: 'pre' as const,
    transform(source: string, id: string): string | undefined {
      if (chosen === undefined || id.split('?')[0] !== chosen.path) return undefined
      return applyMutant(chosen.mutant, source)
    },
  }
}
