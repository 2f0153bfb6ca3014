import type { InspectedAgentSpool, InspectedOtherSpool } from '@millrace/contracts'
import { deadLetters, readSpool, type Spool, values } from '@millrace/spool'
import { RangeSet, WindowKeeper } from '@millrace/windows'
import { Names } from './names.ts'
import { readRecovered } from './spool/queries.ts'

type Facts = InspectedAgentSpool
type Reading = Pick<Spool, 'read'>

/** Everything in the spool of a folder that can be told without names of secrets; changes nothing. */
export async function inspectSpool(folder: string): Promise<InspectedAgentSpool | InspectedOtherSpool> {
  const reader = readSpool(folder)
  try {
    if (reader.facts.application !== 'edge-agent') return { kind: 'other', ...reader.facts }
    const found: Partial<Facts> = await reader.sections(sections)
    return { kind: 'agent', ...reader.facts, ...found }
  } finally {
    reader.close()
  }
}

const sections: Record<string, (spool: Spool) => Promise<unknown>> = {
  starts,
  journal,
  outbox,
  numbers,
  devices,
  letters: (spool) => deadLetters.inspect(spool),
  dropped,
  lineage,
  inherited,
}

async function starts(spool: Reading): Promise<Facts['starts']> {
  const [row] = await spool.read('SELECT count(*), (SELECT epoch FROM starts ORDER BY n DESC LIMIT 1) FROM starts')
  return { count: Number(row?.[0]), newest: (row?.[1] as string | null) ?? null }
}

async function journal(spool: Reading): Promise<Facts['journal']> {
  const [row] = await spool.read('SELECT count(*), coalesce(sum(length(bytes)), 0), min(id), max(id) FROM journal')
  const [entries, bytes, first, last] = row as [number, number, number | null, number | null]
  return { entries, bytes, first, last }
}

async function outbox(spool: Reading): Promise<Facts['outbox']> {
  const sql = `SELECT site, kind, count(*), sum(size), min(seq), max(seq), min(at_ms), max(at_ms) FROM outbox
    GROUP BY site, kind ORDER BY site, kind`
  return (await spool.read(sql)).map((row) => {
    const [site, kind, messages, bytes, firstSeq, lastSeq, oldestMs, newestMs] = row as [
      ...[string, string, number, number, number, number, number, number],
    ]
    return { site, kind, messages, bytes, firstSeq, lastSeq, oldestMs, newestMs }
  })
}

async function numbers(spool: Spool): Promise<Facts['numbers']> {
  const [identity] = await spool.read('SELECT name FROM spool_identity')
  const rangesOf = async (kind: string, site: string) => {
    const bytes = await values.get(spool, `${kind}/${String(identity?.[0])}/${site}`)
    return bytes ? RangeSet.decode(bytes).ranges() : []
  }
  const rows = await spool.read('SELECT site, seq FROM outbox_last ORDER BY site')
  return await Promise.all(
    rows.map(async ([site, newest]) => {
      const receipted = await rangesOf('receipted', String(site))
      return {
        site: String(site),
        newest: Number(newest),
        receipted,
        givenUp: await rangesOf('given-up', String(site)),
      }
    }),
  )
}

/** Only until the saved windows are read: those bring their own. */
const anySettings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 100_000, amendForMs: 86_400_000 }

/** As the last checkpoint left them; what the journal holds beyond it is not applied. */
async function devices(spool: Spool): Promise<Facts['devices']> {
  const { names: rows, saved } = await readRecovered(spool)
  const names = new Names({ site: '', maxSeries: Number.MAX_SAFE_INTEGER })
  names.restore(rows)
  const keeper = WindowKeeper.restore(names, anySettings, saved)
  const open = Map.groupBy(keeper.openWindows(), ({ device }) => device)
  const sets = await setsByDevice(spool)
  const found = [...keeper.devices()].map(({ device, watermarkMs, floorMs, counts }) => ({
    ...{ site: names.siteOf(device), device: names.deviceName(device) },
    ...{ watermarkMs: finite(watermarkMs), floorMs: finite(floorMs) },
    ...{ accepted: counts.accepted, open: counts.open, openWindows: open.get(device)?.length ?? 0 },
    ...(sets.get(device) ?? { sets: 0, fromMs: null, toMs: null, setBytes: 0 }),
  }))
  const order = (a: (typeof found)[number], b: typeof a) =>
    compareNames(a.site, b.site) || compareNames(a.device, b.device)
  return found.sort(order)
}

const compareNames = (a: string, b: string) => (a < b ? -1 : Number(a > b))

async function setsByDevice(spool: Reading) {
  const sql = `SELECT device, count(*), min(start), max(start + length), sum(length(bytes)) FROM sets GROUP BY device`
  const rows = await spool.read(sql)
  return new Map(
    rows.map((row) => {
      const [device, sets, fromMs, toMs, setBytes] = row.map(Number) as [number, number, number, number, number]
      return [device, { sets, fromMs, toMs, setBytes }]
    }),
  )
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

async function dropped(spool: Reading): Promise<Facts['dropped']> {
  const rows = await spool.read('SELECT site, messages, readings FROM dropped ORDER BY site')
  return rows.map(([site, messages, readings]) => {
    return { site: String(site), messages: Number(messages), readings: Number(readings) }
  })
}

async function lineage(spool: Reading): Promise<Facts['lineage']> {
  const [row] = await spool.read(`SELECT (SELECT count(*) FROM unconfirmed), count(*), coalesce(sum(length(bytes)), 0)
    FROM kept_journal`)
  const rolledBack = (await spool.read('SELECT about FROM rolled_back ORDER BY n')).map(([about]) => {
    return JSON.parse(String(about)) as unknown
  })
  return { confirmed: row?.[0] === 0, keptEntries: Number(row?.[1]), keptBytes: Number(row?.[2]), rolledBack }
}

async function inherited(spool: Reading): Promise<Facts['inherited']> {
  const rows = await spool.read('SELECT n, spool FROM inherited ORDER BY n')
  return await Promise.all(
    rows.map(async ([n, name]) => {
      const [count] = await spool.read(`SELECT count(*) FROM inherited_${Number(n)}`)
      return { spool: String(name), messages: Number(count?.[0]) }
    }),
  )
}
