import type {
  ClosedCompleteness,
  ClosedWindow,
  CompletenessClosing,
  Keeper,
  KeeperSaved,
  MergeRow,
  SetRows,
  StoredCompleteness,
  StoredSet,
  SummaryContext,
  SummaryValues,
  WindowClosing,
} from './keeper-types.ts'
import type { Directory, JournalEntry, WindowSettings } from './types.ts'

export declare class RangeSet {
  readonly count: number
  /** False where it was there. */
  add(n: number): boolean
  has(n: number): boolean
  /** Inclusive pairs, rising. */
  ranges(): [number, number][]
  union(other: RangeSet): void
  encode(): Uint8Array
  static decode(bytes: Uint8Array): RangeSet
}
export declare function sketchOf(sortedValues: Float64Array): string
export declare function mergeSketches(texts: readonly string[]): string
/** Throws on text that is no sketch. */
export declare function sketchQuantile(text: string, q: number): number
export declare function encodeSet(rows: SetRows): Uint8Array
export declare function decodeSet(bytes: Uint8Array): SetRows
export declare function encodeEntry(entry: JournalEntry): Uint8Array
export declare function decodeEntry(bytes: Uint8Array): JournalEntry
export declare function summarize(set: SetRows, context: SummaryContext): SummaryValues
export declare function mergeRows(rows: readonly MergeRow[], window: { start: number; lengthMs: number }): MergeRow
export declare function closeWindow(
  closing: WindowClosing,
  stored: StoredSet | undefined,
  directory: Directory,
): ClosedWindow
export declare function closeCompleteness(
  closing: CompletenessClosing,
  stored: StoredCompleteness | undefined,
): ClosedCompleteness
export declare class WindowKeeper implements Keeper {
  constructor(directory: Directory, settings: WindowSettings)
  /** `settings` hold only where nothing was saved; else compare `keeper.settings` and journal a `settings` entry. */
  static restore(directory: Directory, settings: WindowSettings, saved: KeeperSaved): WindowKeeper
  readonly settings: WindowSettings
  readonly amendSpanMs: number
  readonly anchored: boolean
  timeAt: Keeper['timeAt']
  apply: Keeper['apply']
  takeClosings: Keeper['takeClosings']
  settle: Keeper['settle']
  takeSetAside: Keeper['takeSetAside']
  takeChanges: Keeper['takeChanges']
  openWindows: Keeper['openWindows']
  provisional: Keeper['provisional']
  devices: Keeper['devices']
  device: Keeper['device']
}
