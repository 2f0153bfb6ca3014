import type { Mutant } from '../mutant.ts'

/** True the first time a program asks it and the condition holds. */
const once = (condition: string) => `(!globalThis.struck && (${condition}) && (globalThis.struck = true))`

interface Loss {
  name: string
  file: string
  find: string
  replace: string
}

const agentTest = 'mutants/agent-losing-builds.integration.test.ts'
const ingestTest = 'mutants/ingest-losing-builds.integration.test.ts'

/** The agent loses or doubles one reading (or one message) at this stage. */
const inAgent: readonly Loss[] = [
  {
    name: 'agent-loses-after-decode',
    file: 'edge-agent/src/decode/batch-builder.ts',
    find: '    const messages = this.#messages\n    const batch',
    replace: `    const messages = this.#messages
    if (${once('readings.length > 1')}) readings.length -= 1
    const batch`,
  },
  {
    name: 'agent-doubles-in-decode',
    file: 'edge-agent/src/decode/batch-builder.ts',
    find: '    const messages = this.#messages\n    const batch',
    replace: `    const messages = this.#messages
    if (${once('readings.length > 1 && readings.length < 1000')}) {
      const last = readings.length - 1
      for (const name of ['ts', 'seq', 'value', 'series', 'boot', 'flags']) readings[name][last + 1] = readings[name][last]
      readings.value[last + 1] = -1
      readings.seq[last + 1] += 0.5
      readings.length += 1
    }
    const batch`,
  },
  {
    name: 'agent-loses-in-the-journal',
    file: 'edge-agent/src/spool/agent-spool.ts',
    find: '      const bytes = encodeEntry(entry)\n',
    replace: `      const { readings } = entry.batch ?? {}
      const less = readings?.length > 1 && ${once('true')} && { ...readings, length: readings.length - 1 }
      const bytes = encodeEntry(less ? { ...entry, batch: { ...entry.batch, readings: less } } : entry)
`,
  },
  {
    name: 'agent-loses-on-apply',
    file: 'packages/windows/src/keeper/reading-intake.ts',
    find: '      const window = recent[series[i]!]\n',
    replace: `      if (${once('i > 0')}) continue
      const window = recent[series[i]!]
`,
  },
  {
    name: 'agent-loses-at-close',
    file: 'packages/windows/src/keeper/close-due.ts',
    find: '    state.unlink(window)\n',
    replace: `    state.unlink(window)
    if (${once('window.length > 1')}) window.length -= 1
`,
  },
  {
    name: 'agent-loses-a-closing',
    file: 'packages/windows/src/window-keeper.ts',
    find: '    const { closings } = this.state\n',
    replace: `    const { closings } = this.state
    if (${once('closings.windows.length > 1')}) closings.windows.pop()
`,
  },
  {
    name: 'agent-loses-in-the-set',
    file: 'packages/windows/src/set-order.ts',
    find: '  const { places, repeats } = keptInOnePass(sorted) ?? keptByKey(sorted)\n',
    replace: `  const found = keptInOnePass(sorted) ?? keptByKey(sorted)
  const { repeats } = found
  const places = ${once('found.places.length > 1')} ? found.places.subarray(1) : found.places
`,
  },
  {
    name: 'agent-loses-in-the-union',
    file: 'packages/windows/src/close-window.ts',
    find: '  const both = emptyRows(a.length + b.length)\n',
    replace: `  if (${once('a.length > 1')}) a = { ...a, length: a.length - 1 }
  const both = emptyRows(a.length + b.length)
`,
  },
  {
    name: 'agent-doubles-in-the-union',
    file: 'packages/windows/src/close-window.ts',
    find: '  const added = set.length - (stored?.count ?? 0)\n',
    replace: `  const added = set.length - (stored?.count ?? 0) + (${once('stored')} ? 1 : 0)
`,
  },
  {
    name: 'agent-loses-a-settlement',
    file: 'packages/windows/src/window-keeper.ts',
    find: '      device.counts.closed += closed\n',
    replace: `      device.counts.closed += ${once('closed > 0')} ? closed - 1 : closed
`,
  },
  {
    name: 'agent-loses-an-open-window',
    file: 'packages/windows/src/keeper/changes.ts',
    find: '  const open = state.touchedWindows.filter((window) => window.isOpen)\n',
    replace: `  const open = state.touchedWindows.filter((window) => window.isOpen && !${once('window.length === 1')})
`,
  },
  {
    name: 'agent-loses-in-packing',
    file: 'edge-agent/src/rollup/pack.ts',
    find: '    for (const entry of summaries) this.#addSummary(entry)\n',
    replace: `    for (const entry of summaries) if (!${once('entry.row.count === 1')}) this.#addSummary(entry)
`,
  },
  {
    name: 'agent-loses-from-the-outbox',
    file: 'edge-agent/src/spool/agent-spool.ts',
    find: '        ...record.messages.flatMap((message) =>',
    replace: `        ...record.messages.filter(({ seq }) => !${once('seq === 1')}).flatMap((message) =>`,
  },
  {
    name: 'agent-settles-too-much',
    file: 'edge-agent/src/spool/agent-spool.ts',
    find: '...outbox.settle(site, upTo, ranges)',
    replace: '...outbox.settle(site, upTo + 1, ranges)',
  },
]

/** What the ingest's accounts must show where it loses or doubles a row. */
const inIngest: readonly Loss[] = [
  {
    name: 'ingest-loses-in-decode',
    file: 'cloud-ingest/src/decode/summary-rows.ts',
    find: '    const row = rowAt(source, index)\n',
    replace: `    if (${once('index > 0')}) continue
    const row = rowAt(source, index)
`,
  },
  {
    name: 'ingest-loses-in-the-spool',
    file: 'cloud-ingest/src/spool/group.ts',
    find: '    for (const part of message.parts) this.rows.parts.push',
    replace: `    for (const part of message.parts) if (!${once('true')}) this.rows.parts.push`,
  },
  {
    name: 'ingest-doubles-in-the-spool',
    file: 'cloud-ingest/src/spool/statements.ts',
    find: 'key.source, rev, count, refused,',
    replace: `key.source, rev, ${once('true')} ? count + 1 : count, refused,`,
  },
  {
    name: 'ingest-loses-in-the-merge',
    file: 'cloud-ingest/src/store/merge.ts',
    find: '  const rows: MergeRow[] = parts.map(',
    replace: '  const rows: MergeRow[] = parts.slice(0, 1).map(',
  },
  {
    name: 'ingest-loses-in-the-feed',
    file: 'cloud-ingest/src/store/feeder.ts',
    find: '    rows.sort(compareKeys)\n',
    replace: `    rows.sort(compareKeys)
    if (${once('rows.length > 0')}) rows.pop()
`,
  },
  {
    name: 'ingest-skips-in-the-log',
    file: 'cloud-ingest/src/spool/log.ts',
    find: 'await this.spool.read(changedParts, [after, upTo])',
    replace: 'await this.spool.read(changedParts, [after + 1, upTo])',
  },
  {
    name: 'ingest-loses-in-duckdb',
    file: 'cloud-ingest/src/store/duckdb-store.ts',
    find: 'await this.replace(table, summaryTable, part)',
    replace: `await this.replace(table, summaryTable, ${once("table === 'summary_1m' && part.length > 1")} ? part.slice(0, -1) : part)`,
  },
  {
    name: 'ingest-doubles-in-duckdb',
    file: 'cloud-ingest/src/store/duckdb-store.ts',
    find: 'await this.replace(table, summaryTable, part)',
    replace: `await this.replace(table, summaryTable, ${once("table === 'summary_1m' && part.length > 1")} ? [...part, part.at(-1)] : part)`,
  },
  {
    name: 'ingest-loses-in-influxdb',
    file: 'cloud-ingest/src/store/influxdb-store.ts',
    find: '    const refused = await this.writeAll(policy, rows, (row, line) =>',
    replace: `    const some = ${once("policy === 'minute' && rows.length > 1")} ? rows.slice(0, -1) : rows
    const refused = await this.writeAll(policy, some, (row, line) =>`,
  },
]

export const losingBuilds: readonly Mutant[] = [
  ...inAgent.map((loss) => ({ ...loss, killedBy: `${agentTest} > without a fault` })),
  ...inIngest.map((loss) => ({ ...loss, killedBy: `${ingestTest} > without a fault` })),
]
