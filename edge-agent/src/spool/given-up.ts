import { addMissingTables, type Spool, type Statement, values } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import type { MessageName } from './agent-spool.ts'

const prefix = 'given-up/'

/** Numbers of messages that a full spool gave up unsent. */
export class GivenUpNumbers {
  readonly #bySite: Map<string, RangeSet>

  private constructor(bySite: Map<string, RangeSet>) {
    this.#bySite = bySite
  }

  static async open(spool: Spool): Promise<GivenUpNumbers> {
    await addMissingTables(spool, values.schema)
    const saved = await values.all(spool, `${prefix}${spool.name}/`)
    const site = (key: string) => key.slice(prefix.length + spool.name.length + 1)
    return new GivenUpNumbers(new Map([...saved].map(([key, bytes]) => [site(key), RangeSet.decode(bytes)])))
  }

  has({ site, seq }: MessageName): boolean {
    return this.#bySite.get(site)?.has(seq) === true
  }

  ranges(): Record<string, [number, number][]> {
    return Object.fromEntries([...this.#bySite].map(([site, numbers]) => [site, numbers.ranges()]))
  }

  /** Known from now on; tried again where the write finds no room. */
  add(messages: readonly MessageName[], spool: string): Statement[] {
    const touched = new Set<string>()
    for (const { site, seq } of messages) {
      const numbers = this.#bySite.get(site) ?? new RangeSet()
      numbers.add(seq)
      this.#bySite.set(site, numbers)
      touched.add(site)
    }
    return [...touched].flatMap((site) => values.put(`${prefix}${spool}/${site}`, this.#bySite.get(site)!.encode()))
  }
}
