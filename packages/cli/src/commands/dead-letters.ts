import type { InspectedLetters } from '@millrace/contracts'
import { MillraceError, UnreachableError, UsageError } from '@millrace/pipeline'
import { plural, printable } from '../explain/words.ts'
import { findJson, getJson, type ServerAddress, urlOf } from '../verify/api.ts'
import { type AddressFlags, addresses } from './verify.ts'

export interface LetterFlags extends AddressFlags {
  json?: boolean
  at: string
  all?: boolean
}

interface Shown {
  reason: string
  nth: number
  atMs: number
  source: string
  site: string | null
  device: string | null
  count: number
  bytes: number
  cut: boolean
  /** Base64. */
  body: string
}

/** Of one service at least. */
const unreachableCode = 3

const print = (text: string) => process.stdout.write(`${text}\n`)
const time = (ms: number) => new Date(ms).toISOString()

function serviceOf(flags: LetterFlags): ServerAddress {
  if (flags.at === 'agent' || flags.at === 'ingest') return addresses(flags)[flags.at]
  throw new UsageError('no such service', [{ path: '--at', found: flags.at, expected: 'agent or ingest' }])
}

function nthOf(nth: string | undefined): number | undefined {
  if (nth === undefined || /^[1-9]\d{0,14}$/.test(nth)) return nth === undefined ? undefined : Number(nth)
  throw new UsageError('no such letter', [{ path: 'NTH', found: nth, expected: 'a number from 1' }])
}

/** What a service has set aside, or why it was not reached. */
type Listed = InspectedLetters[] | { unreached: string }

async function listed(address: ServerAddress): Promise<Listed> {
  try {
    return ((await getJson(address, '/api/dead-letters')) as { letters: InspectedLetters[] }).letters
  } catch (error) {
    if (error instanceof UnreachableError) return { unreached: error.message }
    throw error
  }
}

/** Letters of agent and ingest by reason: of the one that answers, where the other does not. */
export async function runLettersList(flags: LetterFlags): Promise<number> {
  const { agent, ingest } = addresses(flags)
  const found = { agent: await listed(agent), ingest: await listed(ingest) }
  if (flags.json) print(JSON.stringify(found))
  else for (const [name, letters] of Object.entries(found)) print([name, ...listedLines(letters)].join('\n'))
  return Object.values(found).every(Array.isArray) ? 0 : unreachableCode
}

const listedLines = (letters: Listed) =>
  Array.isArray(letters) ? letterLines(letters) : [`  not reached: ${letters.unreached}`]

function letterLines(letters: readonly InspectedLetters[]): string[] {
  if (letters.length === 0) return ['  none']
  return letters.map(({ reason, letters: count, readings, firstMs, lastMs, kept, bytes }) => {
    const sizes = `${kept} kept, ${bytes} bytes`
    return `  ${reason.padEnd(18)} ${plural(count, 'letter')}, ${plural(readings, 'reading')}, ${time(firstMs)} to ${time(lastMs)}, ${sizes}`
  })
}

/** Where it is no text: a dump, sixteen bytes a line. */
function bodyText(body: Buffer): string {
  const text = body.toString('utf8')
  if (Buffer.from(text, 'utf8').equals(body)) return text.split('\n').map(printable).join('\n')
  return Array.from({ length: Math.ceil(body.length / 16) }, (_, line) => {
    const bytes = body.subarray(line * 16, line * 16 + 16)
    const hex = bytes.toString('hex').replace(/../g, '$& ')
    return `${(line * 16).toString(16).padStart(6, '0')}  ${hex.padEnd(50)}${bytes.toString('latin1').replace(/[^ -~]/g, '.')}`
  }).join('\n')
}

/** One body and where it came from; the newest of its reason where no place is named. */
export async function runLettersShow(reason: string, nth: string | undefined, flags: LetterFlags): Promise<number> {
  const at = nthOf(nth)
  const query = at === undefined ? '' : `?nth=${at}`
  const letter = (await findJson(serviceOf(flags), `/api/dead-letters/${encodeURIComponent(reason)}${query}`)) as
    | Shown
    | undefined
  if (!letter) {
    print(`no such letter is kept at the ${flags.at}`)
    return 1
  }
  if (flags.json) print(JSON.stringify(letter))
  else print(`${headText(letter)}\n\n${bodyText(Buffer.from(letter.body, 'base64'))}`)
  return 0
}

function headText({ reason, nth, atMs, source, site, device, count, bytes, cut }: Shown): string {
  const from = source === '' ? 'refused after decoding' : printable(source)
  const name = `${site || '-'}/${device || '-'}`
  return `${reason} ${nth}: ${time(atMs)}, ${from}, device ${printable(name)}, ${plural(count, 'reading')}, ${bytes} bytes${cut ? ' (cut)' : ''}`
}

interface Outcome {
  letters: { nth: number; replayed: boolean; message: string }[]
}

async function postReplay(address: ServerAddress, wanted: object): Promise<Outcome> {
  const { url, token, flag } = address
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  const request = { method: 'POST', headers, body: JSON.stringify(wanted) }
  const response = await fetch(urlOf(address, '/api/dead-letters/replay'), request).catch((cause: unknown) => {
    throw new UnreachableError(`no answer at ${url}`, { cause, hint: `Is it running? ${flag} names another address.` })
  })
  if (response.ok) return (await response.json()) as Outcome
  if (response.status === 404) return { letters: [] }
  const said = (await response.text()).slice(0, 300)
  throw new MillraceError('check-failed', `${url} answered ${response.status}: ${said}`)
}

/** Exit code 1 where one was left as it is. */
export async function runLettersReplay(reason: string, nth: string | undefined, flags: LetterFlags): Promise<number> {
  const place = nthOf(nth)
  const wanted = { reason, ...(place === undefined ? {} : { nth: place }), all: flags.all ?? false }
  const { letters } = await postReplay(serviceOf(flags), wanted)
  if (letters.length === 0) {
    print(flags.json ? JSON.stringify({ reason, letters }) : `no such letter is kept at the ${flags.at}`)
    return 1
  }
  const line = (one: Outcome['letters'][number]) =>
    `${reason} ${one.nth}: ${one.replayed ? '' : 'left as it is: '}${printable(one.message)}`
  print(flags.json ? JSON.stringify({ reason, letters }) : letters.map(line).join('\n'))
  return letters.every(({ replayed }) => replayed) ? 0 : 1
}
