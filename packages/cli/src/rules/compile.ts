import { type Problem, UsageError } from '@millrace/pipeline'
import { type CompiledRule, compileRules } from '@millrace/rules'
import { readRuleFolder } from './rule-folder.ts'

/** A folder of rules as it is: what can be used of it, and everything that is wrong. */
export interface CompiledFolder {
  folder: string
  rules: readonly CompiledRule[]
  /** With their lines. */
  problems: Problem[]
  warnings: Problem[]
  /** ` (line 12)` for the place of a problem. */
  where(path: string): string
}

export function compileFolder(folder: string, windowMs: number): CompiledFolder {
  const { files, where } = readRuleFolder(folder)
  const { rules, problems, warnings } = compileRules(files, { windowMs })
  const placed = (list: readonly Problem[]) =>
    list.map((problem) => ({ ...problem, path: `${problem.path}${where(problem.path)}` }))
  return { folder, rules, problems: placed(problems), warnings: placed(warnings), where }
}

/** The rules of a folder, to be used; throws a UsageError with every problem of every file. */
export function usableRules(folder: string, windowMs: number): readonly CompiledRule[] {
  const { rules, problems } = compileFolder(folder, windowMs)
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
    throw new UsageError(`the rules in ${folder} have ${count}`, problems, { code: 'config-invalid' })
  }
  if (rules.length > 0) return rules
  throw new UsageError(`there are no rules in ${folder}`, [
    { path: folder, found: 'no rule', expected: 'rules: [...] in a file *.yaml' },
  ])
}
