import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { run, temporaryFolder } from './stack.ts'

/** A folder with office-occupancy/datatraining.txt and library-motes/R1.txt, named by who runs the tests. */
const recordings = process.env.MILLRACE_RECORDINGS ?? ''
const absent = !existsSync(recordings)
if (absent) console.info(`The recordings are not here (MILLRACE_RECORDINGS=${recordings}): no rules are tried on them.`)

const mapFile = (name: string) => fileURLToPath(new URL(`../device-simulator/maps/${name}.yaml`, import.meta.url))
const minuteMs = 60_000
const folder = temporaryFolder()
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Reading {
  device: string
  ts: number
  values: Record<string, number>
}

/** Straight from the files, with nothing of Millrace. */
function officeReadings(): Reading[] {
  const lines = readFileSync(join(recordings, 'office-occupancy/datatraining.txt'), 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => {
    const cells = line.trim().replaceAll('"', '').split(',')
    const values = { temperature: Number(cells[2]), co2: Number(cells[5]) }
    // The recording lies in winter, an hour ahead of UTC.
    return { device: 'office-1', ts: Date.parse(`${cells[1]!.replace(' ', 'T')}Z`) - 3_600_000, values }
  })
}

function moteReadings(): Reading[] {
  const lines = readFileSync(join(recordings, 'library-motes/R1.txt'), 'utf8').trim().split('\n')
  return lines.map((line) => {
    const cells = line.trim().split(/\s+/)
    const number = (cell: string) => Number(cell.replace(',', '.'))
    const values = { voltage: number(cells[4]!), humidity: number(cells[5]!), temperature: number(cells[6]!) }
    return { device: `mote-${cells[1]}`, ts: Number(cells[0]), values }
  })
}

interface Episode {
  device: string
  start: number
  end: number | null
}

interface Plain {
  metric: string
  above: number
  clear: number
  forMinutes: number
}

/** What a person with a spreadsheet would do: means of minutes, in order, one after the other. */
function episodesOf(readings: readonly Reading[], { metric, above, clear, forMinutes }: Plain): Episode[] {
  const found: Episode[] = []
  for (const [device, own] of Map.groupBy(readings, (reading) => reading.device)) {
    const minutes = Map.groupBy(own, ({ ts }) => Math.floor(ts / minuteMs))
    let [bad, firstBad, last] = [0, 0, 0]
    let active: Episode | undefined
    for (const minute of [...minutes.keys()].sort((a, b) => a - b)) {
      const values = minutes.get(minute)!.map((reading) => reading.values[metric]!)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      if (minute - last > Math.max(forMinutes, 5) + 1) bad = 0
      last = minute
      if (active) {
        if (mean <= clear) {
          active.end = minute * minuteMs
          active = undefined
        }
      } else if (mean > above) {
        if (bad === 0) firstBad = minute
        bad++
        if (bad >= forMinutes) {
          active = { device, start: firstBad * minuteMs, end: null }
          found.push(active)
          bad = 0
        }
      } else bad = 0
    }
  }
  return found.sort((a, b) => a.start - b.start || (a.device < b.device ? -1 : 1))
}

/** Pauses of a device longer than `forMs`, the one before the end of the recording included. */
function silencesOf(readings: readonly Reading[], forMs: number): Episode[] {
  const endMs = (Math.floor(Math.max(...readings.map(({ ts }) => ts)) / minuteMs) + 1) * minuteMs
  return [...Map.groupBy(readings, ({ device }) => device)]
    .flatMap(([device, own]) => {
      const times = own.map(({ ts }) => ts).sort((a, b) => a - b)
      return times.flatMap((start, n): Episode[] => {
        const next = times[n + 1]
        return (next ?? endMs) - start >= forMs ? [{ device, start, end: next ?? null }] : []
      })
    })
    .sort((a, b) => a.start - b.start || (a.device < b.device ? -1 : 1))
}

interface Found extends Episode {
  rule: string
}

/** All rules at once: what reads a recording for one reads it for all. */
async function triedOn(file: string, map: string, rules: readonly string[]): Promise<Found[]> {
  const rulesFolder = join(folder, map)
  mkdirSync(rulesFolder)
  writeFileSync(join(rulesFolder, 'rules.yaml'), `rules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`)
  const { code, stdout, stderr } = await run(
    ...['rules', 'test', rulesFolder, '--on', join(recordings, file), '--map', mapFile(map), '--json'],
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return (JSON.parse(stdout) as { alerts: Found[] }).alerts
}

const ruleOf = ({ metric, above, clear, forMinutes }: Plain) =>
  `{ id: ${metric}-${above}, at: cloud, kind: threshold, select: { metric: ${metric} }, above: ${above}, clear: ${clear}, for: ${forMinutes}m }`

const ofRule = (found: readonly Found[], id: string): Episode[] =>
  found.filter(({ rule }) => rule === id).map(({ device, start, end }) => ({ device, start, end }))

function expectPlain(found: readonly Found[], readings: readonly Reading[], rules: readonly Plain[]): void {
  for (const rule of rules) {
    const expected = episodesOf(readings, rule)
    expect(expected.length).toBeGreaterThan(2)
    expect(ofRule(found, `${rule.metric}-${rule.above}`)).toEqual(expected)
  }
}

describe.skipIf(absent)('rules tried on real recordings give the alerts of a plain recount', () => {
  it('office: thresholds with hysteresis and with times they must last', async () => {
    const rules: Plain[] = [
      { metric: 'co2', above: 1000, clear: 900, forMinutes: 10 },
      { metric: 'co2', above: 700, clear: 700, forMinutes: 1 },
      { metric: 'temperature', above: 22, clear: 21, forMinutes: 3 },
    ]
    const found = await triedOn('office-occupancy/datatraining.txt', 'office-occupancy', rules.map(ruleOf))
    expectPlain(found, officeReadings(), rules)
  })

  it('motes, whose minutes have gaps: thresholds, and every pause of two minutes and a half', async () => {
    const rules: Plain[] = [
      { metric: 'humidity', above: 52, clear: 51, forMinutes: 2 },
      { metric: 'voltage', above: 2.85, clear: 2.8, forMinutes: 5 },
    ]
    const silence = '{ id: pause, at: cloud, kind: silence, of: device, for: 150s }'
    const found = await triedOn('library-motes/R1.txt', 'library-motes', [...rules.map(ruleOf), silence])
    expectPlain(found, moteReadings(), rules)
    const expected = silencesOf(moteReadings(), 150_000)
    expect(expected.length).toBeGreaterThan(5)
    expect(ofRule(found, 'pause')).toEqual(expected)
  })
})
