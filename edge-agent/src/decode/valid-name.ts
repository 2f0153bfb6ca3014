import { isName } from '@millrace/contracts'

/** What is longer is no name of anything, and not worth the work. */
const maxLength = 256

/**
 * A Millrace name made of any text: accents go, a slash becomes a dot, any other run of characters that names cannot
 * have becomes one hyphen, none at the ends. Undefined where nothing usable or too much is left. A valid name stays.
 */
export function validName(text: string): string | undefined {
  if (isName(text)) return text
  if (text.length > maxLength) return undefined
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('/', '.')
  const name = plain.replace(/[^A-Za-z0-9._:-]+/g, '-').replace(/^-+|-+$/g, '')
  return isName(name) ? name : undefined
}
