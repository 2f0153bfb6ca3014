import type { DefinitionOf, RuleDefinition, SummaryField } from '../definition/schema.ts'
import type { Track } from './track.ts'

/** Tracks of one series by field. */
export type Tracks = ReadonlyMap<SummaryField, Track>

/** A kind of rule that judges a window by others of its series too. */
export interface Formula<Definition extends RuleDefinition> {
  kind: Definition['kind']
  fields(definition: Definition): readonly SummaryField[]
  /** How far before a window it looks, ms. */
  reachMs(definition: Definition): number
  create(definition: Definition, tracks: Tracks, metric: string): Judgement
}

export interface Judgement {
  /** What is judged of a window; NaN where that cannot be told. */
  value(start: number, lengthMs: number): number
  /** Names the windows, this one included, whose judgement depends on the window that changed. */
  affected(start: number, lengthMs: number, take: (start: number) => void): void
}

export type FormulaKind = 'rate' | 'increase' | 'deviation'
export type FormulaOf<Kind extends FormulaKind> = Formula<DefinitionOf<Kind>>
