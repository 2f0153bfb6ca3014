/** Reads one line of line protocol by its published grammar; shares nothing with the encoder. */
export function parseLine(line: string) {
  let at = 0
  const take = (ends: string): string => {
    let text = ''
    while (at < line.length && !ends.includes(line[at]!)) {
      if (line[at] === '\\' && ', ='.includes(line[at + 1] ?? '?')) at++
      text += line[at++]
    }
    return text
  }
  const quoted = (): string => {
    let text = ''
    for (at++; line[at] !== '"'; at++) {
      if (line[at] === '\\' && '"\\'.includes(line[at + 1]!)) at++
      text += line[at]
    }
    at++
    return text
  }
  const measurement = take(', ')
  const tags: [string, string][] = []
  while (line[at] === ',') {
    at++
    const key = take('=')
    at++
    tags.push([key, take(', ')])
  }
  const fields: Record<string, string | number> = {}
  do {
    at++
    const key = take('=')
    at++
    if (line[at] === '"') fields[key] = quoted()
    else {
      const text = take(', ')
      fields[key] = Number(text.replace(/i$/, ''))
    }
  } while (line[at] === ',')
  return { measurement, tags: Object.fromEntries(tags), fields, time: Number(line.slice(at + 1)) }
}
