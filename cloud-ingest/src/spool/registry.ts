import type { SeriesName } from '@millrace/contracts'
import type { Spool } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import type { BodyHead } from '../received.ts'
import { Epochs } from './epochs.ts'

/** An agent's spool as seen for one site. */
export interface SourceState {
  id: number
  site: string
  agent: string
  spool: string
  received: RangeSet
  epochs: Epochs
  /** Numbers that the agent says it gave up unsent, as of its newest status. */
  gaveUp: RangeSet
}

export interface SeriesState extends SeriesName {
  id: number
  unit: string
  lastTs: number
  lastValue: number
}

/**
 * Sources and series by name, as the spool holds them. An id is given out in memory and reaches the disk in the same
 * transaction as the first rows that use it; a commit that fails leaves ids that nothing on disk refers to.
 */
export class Registry {
  private readonly sourcesByName = new Map<string, SourceState>()
  private readonly seriesByName = new Map<string, SeriesState>()
  private readonly seriesById: SeriesState[] = []
  private lastSourceId = 0

  static async load(spool: Spool): Promise<Registry> {
    const registry = new Registry()
    for (const [id, site, agent, name, received] of await spool.read(
      'SELECT id, site, agent, spool, received FROM sources ORDER BY at_ms',
    )) {
      const source = { id: Number(id), site: String(site), agent: String(agent), spool: String(name) }
      registry.addSource({
        ...source,
        received: RangeSet.decode(received as Uint8Array),
        epochs: new Epochs(),
        gaveUp: new RangeSet(),
      })
    }
    const byId = new Map(registry.sources().map((source) => [source.id, source.epochs]))
    for (const [source, epoch, first, newest] of await spool.read('SELECT source, epoch, first, newest FROM epochs')) {
      for (const seq of [first, newest]) byId.get(Number(source))?.add(String(epoch), Number(seq))
    }
    for (const row of await spool.read('SELECT id, site, device, metric, unit, last_ts, last_value FROM series')) {
      const [id, site, device, metric, unit, lastTs, lastValue] = row as [
        number,
        string,
        string,
        string,
        string,
        number,
        number,
      ]
      registry.addSeries({ id, site, device, metric, unit, lastTs, lastValue })
    }
    return registry
  }

  /** Known sources, the one that sent last at the end. */
  sources(): SourceState[] {
    return [...this.sourcesByName.values()]
  }

  find({ site, agent, spool }: BodyHead): SourceState | undefined {
    return this.sourcesByName.get(`${site}/${agent}/${spool}`)
  }

  source(head: BodyHead): SourceState {
    const known = this.find(head)
    if (known) return known
    const { site, agent, spool } = head
    const nothing = { received: new RangeSet(), epochs: new Epochs(), gaveUp: new RangeSet() }
    return this.addSource({ id: this.lastSourceId + 1, site, agent, spool, ...nothing })
  }

  /** A commit has made these the numbers received; the source becomes the one that sent last. */
  received(source: SourceState, received: RangeSet): void {
    source.received = received
    const key = `${source.site}/${source.agent}/${source.spool}`
    this.sourcesByName.delete(key)
    this.sourcesByName.set(key, source)
  }

  series({ site, device, metric }: SeriesName, unit: string): SeriesState {
    const known = this.seriesByName.get(`${site}/${device}/${metric}`)
    if (known) return known
    const id = this.seriesById.length + 1
    return this.addSeries({ id, site, device, metric, unit, lastTs: 0, lastValue: 0 })
  }

  /** Every series that has a row. */
  allSeries(): SeriesState[] {
    return [...this.seriesByName.values()]
  }

  seriesOf(id: number): SeriesState {
    const found = this.seriesById[id - 1]
    if (!found) throw new Error(`no series ${id} in the spool`)
    return found
  }

  private addSource(source: SourceState): SourceState {
    this.lastSourceId = Math.max(this.lastSourceId, source.id)
    this.sourcesByName.set(`${source.site}/${source.agent}/${source.spool}`, source)
    return source
  }

  private addSeries(series: SeriesState): SeriesState {
    this.seriesByName.set(`${series.site}/${series.device}/${series.metric}`, series)
    this.seriesById[series.id - 1] = series
    return series
  }
}
