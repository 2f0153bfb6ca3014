import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutants } from './index.ts'
import type { Mutant } from './mutant.ts'

const root = realpathSync(fileURLToPath(new URL('..', import.meta.url)))

/** The mutant that MILLRACE_MUTANT names, with the absolute path of its file; throws on an unknown name. */
export function chosenMutant(): { mutant: Mutant; path: string } | undefined {
  const name = process.env.MILLRACE_MUTANT
  if (name === undefined || name === '') return undefined
  const mutant = mutants.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`MILLRACE_MUTANT=${name}: there is no such mutant`)
  return { mutant, path: resolve(root, mutant.file) }
}
