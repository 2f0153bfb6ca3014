import type { AccountsResponse } from '@millrace/contracts'
import { MillraceError } from '@millrace/pipeline'
import type { AgentState } from './api.ts'
import type { Difference } from './judge-series.ts'
import { type Ledger, readLedger } from './ledger.ts'
import type { TooLateLetter } from './letters.ts'
import { OpenWindows } from './open-windows.ts'
import { differencesOf, judgeAgain, judgeStack, type StackVerdict, type WholeVerdict } from './recount-stack.ts'
import type { VerifyReport } from './report.ts'
import { judgeSetAside, type SetAsideVerdict } from './set-aside.ts'
import { summarise } from './summarise.ts'
import { believable, leaveUnnamed, noteNamed, tooLateByDevice, tooLateReason } from './too-late.ts'
import { windowChanged } from './touched.ts'
import { pollMs, underWay, untilIdle, type Wait } from './until-idle.ts'

export interface VerifyOptions extends Wait {
  /** What was sent, told anew at each call. */
  recount(): AsyncIterable<string>
  /** Wait until the stack has nothing open and nothing on its way. */
  wait: boolean
}

interface Findings {
  verdict: StackVerdict
  setAside: SetAsideVerdict
}

/** After this long with nothing on its way, what is not stored will not be: longer than a checkpoint and a store's write. */
const quietMs = 12_000
/** After this long without one difference less, waiting is given up. */
const patienceMs = 45_000

/** The same while merges of hours and days are due, which may be a minute apart. */
const mergePatienceMs = 120_000

const allDifferences = ({ bySeries }: StackVerdict): Difference[] => [...bySeries.values()].flatMap(differencesOf)

const open = ({ verdict, setAside }: Findings) => allDifferences(verdict).length + setAside.differences.length

/** Differences that time may mend: of what is set aside there is never less later. */
const mendable = ({ verdict, setAside }: Findings) =>
  allDifferences(verdict).length + setAside.differences.filter(({ expected, found }) => found < expected).length

const spansDiffer = ({ verdict }: Findings) => allDifferences(verdict).some(({ step }) => step !== undefined)

/** Ends when nothing differs, when nothing has moved for so long that nothing will, or at the limit. */
class StoreWait {
  readonly #options: VerifyOptions
  readonly #startedAt: number
  #least = Number.POSITIVE_INFINITY
  #improvedAt: number
  #movedAt: number

  constructor(options: VerifyOptions) {
    this.#options = options
    this.#startedAt = options.monotonic()
    this.#improvedAt = this.#startedAt
    this.#movedAt = this.#startedAt
  }

  over(differing: number, { moving, merging }: { moving: number; merging: boolean }): boolean {
    const now = this.#options.monotonic()
    if (differing < this.#least) {
      this.#least = differing
      this.#improvedAt = now
    }
    if (moving > 0 || merging) this.#movedAt = now
    const still = Math.max(this.#improvedAt, this.#movedAt)
    const patience = merging ? mergePatienceMs : patienceMs
    return now - still > quietMs || now - this.#improvedAt > patience || now - this.#startedAt > this.#options.limitMs
  }
}

function dropTouched(verdict: WholeVerdict, isTouched: (difference: Difference) => boolean): void {
  for (const part of [verdict, verdict.spans['1h'], verdict.spans['1d']]) {
    const touched = part.differences.filter(isTouched)
    part.differences = part.differences.filter((difference) => !touched.includes(difference))
    if (touched.length > 0) part.notChecked.set('touched', touched.length)
  }
}

class Verification {
  readonly #options: VerifyOptions
  readonly #before: AgentState
  readonly #ledger: Ledger

  constructor(options: VerifyOptions, before: AgentState, ledger: Ledger) {
    this.#options = options
    this.#before = before
    this.#ledger = ledger
  }

  async run(): Promise<VerifyReport> {
    const findings = await this.#untilStored()
    const settled = open(findings) === 0 ? findings : await this.#withoutTouched(findings)
    return summarise(this.#ledger, settled.verdict, settled.setAside)
  }

  async #untilStored(): Promise<Findings> {
    const { stack, progress, pause } = this.#options
    const wait = new StoreWait(this.#options)
    await this.#lettersOf(this.#before)
    let verdict = await judgeStack(this.#case(this.#before))
    for (;;) {
      const accounts = await stack.accounts()
      const state = await stack.agent()
      const findings = await this.#findings(verdict, { accounts, agent: state })
      const { moving, merging } = await underWay(stack, state)
      const way = { moving, merging: merging && spansDiffer(findings) }
      const wanted = mendable(findings)
      if (wanted === 0 || wait.over(wanted, way)) return findings
      progress(
        `waiting for ${wanted} windows, hours and days to be stored, ${moving} messages and changes on their way`,
      )
      await pause(pollMs)
      verdict = await judgeAgain(this.#case(state), verdict)
    }
  }

  async #findings(verdict: StackVerdict, told: { accounts: AccountsResponse; agent: AgentState }): Promise<Findings> {
    const tooLateOf = tooLateByDevice({ ...told, letters: await this.#lettersOf(told.agent) })
    const setAside = judgeSetAside({ ledger: this.#ledger, ...told })
    return { verdict: leaveUnnamed(verdict, tooLateOf), setAside }
  }

  /** What the agent names as too late, noted in the ledger for the next judgement; it is asked where there is any. */
  async #lettersOf(agent: AgentState): Promise<TooLateLetter[]> {
    if (agent.devices.every(({ setAside }) => !setAside[tooLateReason])) return []
    const letters = believable(await this.#options.stack.tooLateLetters(), agent)
    noteNamed(this.#ledger, letters)
    return letters
  }

  /** Takes out what changed since the ledger was read: the store may know more of it than the ledger did. */
  async #withoutTouched({ verdict }: Findings): Promise<Findings> {
    const { stack, recount } = this.#options
    const later = await readLedger(recount())
    const accounts = await stack.accounts()
    const agent = await stack.agent()
    const openNow = new OpenWindows().note(agent)
    for (const [key, series] of verdict.bySeries) {
      const [then, now] = [this.#ledger.series.get(key)!, later.series.get(key)]
      dropTouched(
        series,
        (span) => (span.step ? openNow.within(span, span) : openNow.has(span, span)) || windowChanged(then, now, span),
      )
    }
    const setAside = judgeSetAside({ ledger: later, accounts, agent })
    const lost = judgeSetAside({ ledger: this.#ledger, accounts, agent })
    const less = lost.differences.filter(({ expected, found }) => found < expected)
    const more = setAside.differences.filter(({ expected, found }) => found > expected)
    return { verdict, setAside: { ...lost, differences: [...less, ...more] } }
  }

  #case(state: AgentState) {
    const held = new OpenWindows().note(this.#before).note(state)
    return { stack: this.#options.stack, ledger: this.#ledger, state, open: held }
  }
}

/**
 * Counts again what the devices were promised and compares it with what is stored. The agent is asked for its open
 * windows before the ledger is read, so that nothing acknowledged later can look lost.
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const before = options.wait ? await untilIdle(options) : await options.stack.agent()
  options.progress('recounting what was sent')
  const ledger = await readLedger(options.recount())
  if (ledger.runs === 0) throw new MillraceError('check-failed', 'the ledger is empty: nothing was sent from here')
  options.progress(`comparing ${ledger.series.size} series`)
  return await new Verification(options, before, ledger).run()
}
