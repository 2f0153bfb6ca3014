/** A small wrong version of one file, as data: nothing in the product knows of it. */
export interface Mutant {
  /** How the runner and MILLRACE_MUTANT name it. */
  name: string
  /** From the root of the repository. */
  file: string
  /** Occurs exactly once in the file. */
  find: string
  replace: string
  /** The test file that notices, from the root; ` > ` and a part of the test's name narrow it. */
  killedBy: string
}

/** The source with the mutant's change in it; throws where the text to change is not there exactly once. */
export function applyMutant({ name, file, find, replace }: Mutant, source: string): string {
  const found = source.split(find).length - 1
  if (found !== 1) throw new Error(`mutant ${name}: its text occurs ${found} times in ${file}, not once:\n${find}`)
  return source.replace(find, () => replace)
}

/** Mutants of one file that one test kills: name, text, and what stands there instead. */
export function wrong(
  file: string,
  killedBy: string,
  changes: readonly (readonly [name: string, find: string, replace: string])[],
): Mutant[] {
  return changes.map(([name, find, replace]) => ({ name, file, find, replace, killedBy }))
}
