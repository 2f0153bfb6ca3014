import type { ShowProgress } from './past.ts'

const everyMs = 100

/** One line redrawn at a terminal, nothing elsewhere: what is on standard output stays for programs. */
export function showProgress(): ShowProgress & { end(): void } {
  let shownAt = Number.NEGATIVE_INFINITY
  const show = (text: string) => {
    if (!process.stderr.isTTY || performance.now() - shownAt < everyMs) return
    shownAt = performance.now()
    process.stderr.write(`\r\x1b[2K${text}`)
  }
  const end = () => {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
  }
  return Object.assign(show, { end })
}
