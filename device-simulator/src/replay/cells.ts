/** Cells of one line of CSV, or the reason why it is none. A quote inside a quoted cell is written twice. */
export function splitCsv(line: string, { delimiter, quote }: { delimiter: string; quote: string }): string[] | string {
  const cells: string[] = []
  let at = 0
  for (;;) {
    const cell = line[at] === quote ? quoted(line, at, quote) : plain(line, at, delimiter)
    if (cell === undefined) return 'a quoted cell has no end'
    cells.push(cell.text)
    if (cell.end >= line.length) return cells
    if (line[cell.end] !== delimiter) return 'text follows a quoted cell'
    at = cell.end + 1
  }
}

interface Cell {
  text: string
  /** Where the delimiter stands, or the end of the line. */
  end: number
}

function plain(line: string, at: number, delimiter: string): Cell {
  const found = line.indexOf(delimiter, at)
  const end = found < 0 ? line.length : found
  return { text: line.slice(at, end), end }
}

function quoted(line: string, at: number, quote: string): Cell | undefined {
  let text = ''
  for (let from = at + 1; ; ) {
    const end = line.indexOf(quote, from)
    if (end < 0) return undefined
    text += line.slice(from, end)
    if (line[end + 1] !== quote) return { text, end: end + 1 }
    text += quote
    from = end + 2
  }
}

/** Cells between runs of blanks and tabs. */
export function splitSpaces(line: string): string[] {
  return line.trim().split(/[ \t]+/)
}
