function levelsMatch(wanted: readonly string[], levels: readonly string[]): boolean {
  const open = wanted.at(-1) === '#'
  const fixed = open ? wanted.slice(0, -1) : wanted
  if (open ? levels.length < fixed.length : levels.length !== fixed.length) return false
  return fixed.every((part, index) => part === '+' || part === levels[index])
}

/** True where an MQTT filter with `+` and `#` covers a topic; neither covers a first level that begins with `$`. */
export function topicMatches(filter: string, topic: string): boolean {
  if (filter === topic) return true
  const wanted = filter.split('/')
  const levels = topic.split('/')
  return (!topic.startsWith('$') || wanted[0] === levels[0]) && levelsMatch(wanted, levels)
}
