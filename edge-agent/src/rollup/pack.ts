import { maxBodyBytes, type SummaryRow } from '@millrace/contracts'
import type { CompletenessRow, Share } from '../checkpoint.ts'
import { type AccountRow, type AccountTerms, rowBytes, SummariesDraft } from './body.ts'

/** A new revision of a window. */
export interface SummaryEntry {
  device: number
  row: SummaryRow
  /** Readings more than in the revision before. */
  added: number
  /** Those in that one, by the message that brought them. */
  shares: readonly Share[]
  /** Message that holds the revision before. */
  after: number | null
  /** Told the message that holds this one, and which of the shares it brings once more. */
  sentIn(seq: number, again: readonly Share[]): void
}

export interface CompletenessEntry {
  device: number
  row: CompletenessRow
  after: number | null
  sentIn(seq: number): void
}

export interface SiteEntries {
  summaries: readonly SummaryEntry[]
  completeness: readonly CompletenessEntry[]
  /** Devices to be reported even without a row. */
  due: readonly number[]
}

export interface PackContext {
  deviceName(device: number): string
  terms(device: number): AccountTerms
  /** Adds to a device's running total of readings sent and returns it. */
  addSent(device: number, readings: number): number
  /** True where a message was given up unsent, so that the readings in its rows come with the next revision alone. */
  givenUp(seq: number): boolean
}

/** Shares of a window that were given up: its next revision brings them after all. */
export function sharesGivenUp(shares: readonly Share[], givenUp: (seq: number) => boolean): Share[] {
  return shares.filter(([message]) => givenUp(message))
}

export function readingsOf(shares: readonly Share[]): number {
  return shares.reduce((sum, [, readings]) => sum + readings, 0)
}

/**
 * Spreads one site's new revisions over bodies that stay under the limit. Every body has the accounts of its own
 * devices, with `sent` as of that body.
 */
export class Packer {
  readonly #context: PackContext
  readonly #takeSeq: () => number
  readonly #drafts: { draft: SummariesDraft; seq: number }[] = []
  #current: { draft: SummariesDraft; seq: number } | undefined

  constructor(context: PackContext, takeSeq: () => number) {
    this.#context = context
    this.#takeSeq = takeSeq
  }

  pack({ summaries, completeness, due }: SiteEntries): readonly { draft: SummariesDraft; seq: number }[] {
    for (const entry of summaries) this.#addSummary(entry)
    for (const entry of completeness) this.#addCompleteness(entry)
    for (const device of due) this.#addDue(device)
    return this.#drafts
  }

  #addSummary(entry: SummaryEntry): void {
    const { draft, seq } = this.#room(entry.device, rowBytes(entry.row))
    const again = sharesGivenUp(entry.shares, this.#context.givenUp)
    draft.summaries.push(entry.row)
    this.#follow(entry.after, draft, seq)
    entry.sentIn(seq, again)
    this.#account(draft, entry.device).sent = this.#context.addSent(entry.device, entry.added)
    draft.added.set(entry.device, (draft.added.get(entry.device) ?? 0) + entry.added + readingsOf(again))
  }

  #addCompleteness(entry: CompletenessEntry): void {
    const { draft, seq } = this.#room(entry.device, rowBytes(entry.row))
    draft.completeness.push(entry.row)
    this.#follow(entry.after, draft, seq)
    entry.sentIn(seq)
    this.#account(draft, entry.device)
  }

  #addDue(device: number): void {
    if (this.#drafts.some(({ draft }) => draft.accounts.has(device))) return
    this.#account(this.#room(device, 0).draft, device)
  }

  #follow(after: number | null, draft: SummariesDraft, seq: number): void {
    if (after !== null && after !== seq) draft.after.add(after)
  }

  /** The draft that takes a row of these bytes and its device's account, which is counted in at once. */
  #room(device: number, bytes: number): { draft: SummariesDraft; seq: number } {
    // A number may get up to 20 digits longer than it is now, as `sent` does within a draft; `after` is not in the body.
    const account = rowBytes(this.#accountRow(device)) + 24
    let current = this.#current
    const needed = (draft: SummariesDraft) => bytes + (draft.accounts.has(device) ? 0 : account)
    if (current === undefined || current.draft.bytes + needed(current.draft) > maxBodyBytes) {
      current = { draft: new SummariesDraft(), seq: this.#takeSeq() }
      this.#drafts.push(current)
      this.#current = current
    }
    current.draft.bytes += needed(current.draft)
    return current
  }

  #account(draft: SummariesDraft, device: number): AccountRow {
    const row = draft.accounts.get(device) ?? this.#accountRow(device)
    draft.accounts.set(device, row)
    return row
  }

  #accountRow(device: number): AccountRow {
    const { addSent, deviceName, terms } = this.#context
    return { device: deviceName(device), ...terms(device), sent: addSent(device, 0) }
  }
}
