/** What a link is attached to. */
export type Node =
  | { kind: 'cbs' }
  | { kind: 'management' }
  | { kind: 'reader'; hub: string; group: string; partition: string }
  | { kind: 'publisher'; hub: string; partition: string | undefined }
  | { kind: 'devicebound' }
  | { kind: 'feedback' }

const builtInAlias = 'messages/events'

const patterns: [RegExp, (parts: string[]) => Node][] = [
  [/^\$cbs$/, () => ({ kind: 'cbs' })],
  [/^messages\/devicebound$/, () => ({ kind: 'devicebound' })],
  [/^messages\/servicebound\/feedback$/, () => ({ kind: 'feedback' })],
  [/^(?:.+\/)?\$management$/, () => ({ kind: 'management' })],
  [
    /^(.+)\/consumergroups\/([^/]+)\/partitions\/([^/]+)$/,
    ([hub, group, partition]) => ({ kind: 'reader', hub: hub!, group: group!, partition: partition! }),
  ],
  [/^(.+)\/partitions\/([^/]+)$/, ([hub, partition]) => ({ kind: 'publisher', hub: hub!, partition: partition! })],
  [/^([^/$]+|messages\/events)$/, ([hub]) => ({ kind: 'publisher', hub: hub!, partition: undefined })],
]

/** Lower case, without scheme, host and the slashes around it: names of Event Hubs do not tell case apart. */
export function pathOf(address: string): string {
  const bare = address.toLowerCase().replace(/^\w+:\/\/[^/]*/, '')
  return bare.replace(/^\/+|\/+$/g, '')
}

/** Undefined where nothing of the hub has that address. */
export function nodeOf(address: string | undefined): Node | undefined {
  const path = pathOf(address ?? '')
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(path)
    if (match) return make(match.slice(1))
  }
  return undefined
}

export function isBuiltIn(hub: string, name: string): boolean {
  return hub === builtInAlias || hub === name.toLowerCase()
}
