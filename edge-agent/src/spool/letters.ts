import type { SummariesBody } from '@millrace/contracts'
import { deadLetters, type Statement } from '@millrace/spool'
import type { SetAsideInput } from '../checkpoint.ts'

/** Statements take their rows as arguments of one call. */
const lettersPerStatement = 5_000

export function letterStatements(inputs: readonly SetAsideInput[]): Statement[] {
  const statements: Statement[] = []
  for (let at = 0; at < inputs.length; at += lettersPerStatement) {
    statements.push(...deadLetters.add(...inputs.slice(at, at + lettersPerStatement)))
  }
  return statements
}

/** Readings in the rows of a `summaries` body that this agent made. */
export function readingsIn(bytes: Uint8Array): number {
  const body = JSON.parse(Buffer.from(bytes).toString('utf8')) as SummariesBody
  return body.columns.count.reduce((sum, count) => sum + count, 0)
}
