const byte = (text: string): number => text.charCodeAt(0)
const word = (text: string): Uint8Array => Buffer.from(text, 'latin1')

export const quote = byte('"')
export const comma = byte(',')
export const colon = byte(':')
export const openBrace = byte('{')
export const closeBrace = byte('}')
export const openBracket = byte('[')
export const closeBracket = byte(']')
export const trueWord = word('true')
export const falseWord = word('false')

/** Bits of the keys an object may have; those from `readingsBit` on hold its content. */
export const tsBit = 1
export const seqBit = 2
export const bootBit = 4
export const readingsBit = 8
export const valueBit = 16

/** Keys by their first letter, each with what follows up to its closing quote. */
export const keys: Record<number, { rest: Uint8Array; bit: number } | undefined> = {
  [byte('t')]: { rest: word('ts"'), bit: tsBit },
  [byte('s')]: { rest: word('seq"'), bit: seqBit },
  [byte('b')]: { rest: word('boot"'), bit: bootBit },
  [byte('r')]: { rest: word('readings"'), bit: readingsBit },
  [byte('v')]: { rest: word('value"'), bit: valueBit },
}
