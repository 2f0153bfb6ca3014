import { readAsked } from '../explain/arguments.ts'
import { ask, isKnown } from '../explain/ask.ts'
import { explanationText } from '../explain/text.ts'
import { whyNothing } from '../explain/why.ts'
import { type AddressFlags, addresses } from './verify.ts'

export interface ExplainFlags extends AddressFlags {
  json?: boolean
}

const unreachableCode = 3

/** Exit code 0 where something is known of the window, 1 where nothing is, 3 where who might know was not reached. */
export async function runExplain(series: string, minute: string, flags: ExplainFlags): Promise<number> {
  const found = await ask(readAsked(series, minute, Date.now()), addresses(flags))
  const known = isKnown(found)
  const answer = flags.json
    ? JSON.stringify({ known, ...found, why: known ? [] : whyNothing(found) })
    : explanationText(found)
  process.stdout.write(`${answer}\n`)
  if (known) return 0
  return found.unreached.agent || found.unreached.ingest ? unreachableCode : 1
}
