import type { RuleDefinition } from '../../definition/schema.ts'
import type { Formula } from '../formula.ts'
import { deviation } from './deviation.ts'
import { increase } from './increase.ts'
import { rate } from './rate.ts'

/** Kinds of rules that judge a window by others of its series too. */
const formulas = [rate, increase, deviation] as unknown as readonly Formula<RuleDefinition>[]

export function formulaOf(kind: RuleDefinition['kind']): Formula<RuleDefinition> | undefined {
  return formulas.find((formula) => formula.kind === kind)
}
