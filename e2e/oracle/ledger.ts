import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

export interface Reading {
  boot: string
  seq: number
  ts: number
  values: Record<string, number>
}

/** What one publish carries; it is taken whole or not at all. */
export interface Message {
  id: number
  device: string
  readings: Reading[]
}

/** What the oracle decided once, before it published anything. */
export interface Terms {
  site: string
  devices: string[]
  windowMs: number
}

/** What the publishing side did, at its end. */
export interface Published {
  issued: number
  acked: number
  /** Sent, and never acknowledged: they may be counted or not. */
  pending: number
  /** Acknowledgements, those of repeats included. */
  acks: number
  /** Publishes of a message that had been sent before, because its connection ended. */
  repeats: number
  doubled: number
  late: number
  shuffled: number
  boots: number
  /** From the end of the last fault until a reading minted after it was seen at the far end; null if it never was. */
  freshAfterMs: number | null
  /** From the minting of a reading until it was seen at the far end, ms. */
  freshness: { count: number; p50: number | null; p99: number | null; max: number | null }
}

const files = (folder: string) => ({
  terms: join(folder, 'terms.json'),
  issued: join(folder, 'issued.ndjson'),
  acked: join(folder, 'acked.ndjson'),
  published: join(folder, 'published.json'),
})

/**
 * What was promised, on disk: a message is written down before its first send, and its PUBACK as soon as it came. The
 * process that writes it is never killed, so nothing here is flushed.
 */
export class Ledger {
  readonly #folder: string
  readonly #issued: number
  readonly #acked: number

  constructor(folder: string, terms: Terms) {
    mkdirSync(folder, { recursive: true })
    this.#folder = folder
    const { terms: file, issued, acked } = files(folder)
    writeFileSync(file, JSON.stringify(terms))
    this.#issued = openSync(issued, 'a')
    this.#acked = openSync(acked, 'a')
  }

  issue({ id, device, readings }: Message): void {
    const rows = readings.map(({ boot, seq, ts, values }) => [boot, seq, ts, values])
    writeSync(this.#issued, `${JSON.stringify([id, device, rows])}\n`)
  }

  acknowledge(id: number, atMs: number): void {
    writeSync(this.#acked, `[${id},${Math.round(atMs)}]\n`)
  }

  close(published: Published): void {
    closeSync(this.#issued)
    closeSync(this.#acked)
    writeFileSync(files(this.#folder).published, JSON.stringify(published))
  }
}

export interface Promised {
  terms: Terms
  /** Every message ever sent, by device, with how often it was acknowledged. */
  messages: { message: Message; acks: number }[]
  /** Absent where the publishing side did not come to its end. */
  published: Published | undefined
}

const lines = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean)

/** Reads a folder of promises again. */
export function readPromises(folder: string): Promised {
  const { terms, issued, acked, published } = files(folder)
  const acks = new Map<number, number>()
  for (const line of lines(acked)) {
    const [id] = JSON.parse(line) as [number, number]
    acks.set(id, (acks.get(id) ?? 0) + 1)
  }
  const messages = lines(issued).map((line) => {
    const [id, device, rows] = JSON.parse(line) as [number, string, [string, number, number, Record<string, number>][]]
    const readings = rows.map(([boot, seq, ts, values]) => ({ boot, seq, ts, values }))
    return { message: { id, device, readings }, acks: acks.get(id) ?? 0 }
  })
  const parse = <T>(file: string) => JSON.parse(readFileSync(file, 'utf8')) as T
  return {
    terms: parse<Terms>(terms),
    messages,
    published: existsSync(published) ? parse<Published>(published) : undefined,
  }
}

/** One line more in the log of what the far end showed when. */
export function noteFreshness(folder: string, lines: readonly string[]): void {
  if (lines.length > 0) appendFileSync(join(folder, 'freshness.ndjson'), `${lines.join('\n')}\n`)
}
