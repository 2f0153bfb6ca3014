/** One way to hurt a reader of messages; a receiver has to set aside exactly one reading of it. */
export interface Poison {
  name: string
  body: Uint8Array
  /** Of so many messages one is this; 1 unless said. */
  oneOf?: number
}

const text = (body: string) => new TextEncoder().encode(body)
const value = (json: string) => text(`{"readings":{"temperature":${json}}}`)
const named = (name: string) => text(`{"readings":{${JSON.stringify(name)}:21.4}}`)

const noiseBytes = 200 * 1024
const depth = 50_000

export const poisons: readonly Poison[] = [
  { name: 'cut off', body: text('{"ts":1763640000123,"readings":{"temperature":21.') },
  { name: 'NaN', body: value('NaN') },
  { name: 'infinite', body: value('1e999') },
  { name: 'words for a number', body: value('"hot"') },
  { name: 'nothing for a number', body: value('null') },
  { name: '__proto__', body: named('__proto__') },
  { name: 'a path for a name', body: named('../../etc/passwd') },
  { name: 'SQL for a name', body: named("'; DROP TABLE readings; --") },
  { name: 'markup for a name', body: named('<img src=x onerror=alert(1)>') },
  { name: 'a line break for a name', body: named('a\nb 1 1') },
  { name: 'a list of nothing known', body: text('{"readings":[21.4,22]}') },
  { name: 'no object', body: text('"temperature"') },
  { name: 'not UTF-8', body: Uint8Array.from([0x7b, 0xff, 0xfe, 0x22, 0x7d]) },
  { name: 'the year 287396', body: text('{"ts":9007199254740991,"readings":{"temperature":21.4}}') },
  { name: 'yesterday', body: text('{"ts":"yesterday","readings":{"temperature":21.4}}') },
  { name: 'deep lists', body: text('['.repeat(depth)), oneOf: 20 },
  { name: 'deep objects', body: text('{"readings":'.repeat(depth / 12)), oneOf: 20 },
  { name: 'noise', body: Uint8Array.from({ length: noiseBytes }, (_none, at) => (at * 7919) % 251), oneOf: 100 },
]

/** The n-th message of a flood. */
export function poisonAt(n: number): Poison {
  const poison = poisons[n % poisons.length]!
  const round = Math.floor(n / poisons.length)
  return round % (poison.oneOf ?? 1) === 0 ? poison : poisons[0]!
}
