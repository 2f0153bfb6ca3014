import { type Problem, UsageError } from '@millrace/pipeline'
import { type CompiledRule, compileRules } from '@millrace/rules'
import { readRuleFolder } from './rule-folder.ts'

/** A folder of rules as it is: what can be used of it, and everything that is wrong. */
export interface CompiledFolder {
  folder: string
  rules: readonly CompiledRule[]
  /** With their lines. */
  problems: Problem[]
  /** The same problems with files and lines, where they name rules. */
  placed(problems: readonly Problem[]): Problem[]
}

export function compileFolder(folder: string): CompiledFolder {
  const { files, where, placeOf } = readRuleFolder(folder)
  const { rules, problems } = compileRules(files)
  const placed = (list: readonly Problem[]) =>
    list.map((problem) => {
      const place = placeOf(problem.path)
      return { ...problem, path: `${place}${where(place)}` }
    })
  return { folder, rules, problems: placed(problems), placed }
}

/** The rules of a folder, to be used; throws a UsageError with every problem of every file. */
export function usableRules(folder: string): readonly CompiledRule[] {
  const { rules, problems } = compileFolder(folder)
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
    throw new UsageError(`the rules in ${folder} have ${count}`, problems, { code: 'config-invalid' })
  }
  if (rules.length > 0) return rules
  throw new UsageError(`there are no rules in ${folder}`, [
    { path: folder, found: 'no rule', expected: 'rules: [...] in a file *.yaml' },
  ])
}
