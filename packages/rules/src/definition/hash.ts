const offset = 0xcbf29ce484222325n
const prime = 0x100000001b3n
const mask = 0xffffffffffffffffn

/** JSON with keys in order, so that equal values give equal texts. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalText(each)}`).join(',')}}`
}

/** 12 hexadecimal digits that name a value: FNV-1a of its canonical text. It tells versions apart and proves nothing. */
export function hashOf(value: unknown): string {
  let hash = offset
  for (const byte of new TextEncoder().encode(canonicalText(value))) hash = ((hash ^ BigInt(byte)) * prime) & mask
  return (hash ^ (hash >> 48n)).toString(16).padStart(16, '0').slice(-12)
}
