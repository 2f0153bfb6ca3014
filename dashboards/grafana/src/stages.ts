export type StageFact = 'up' | 'rate' | 'errors' | 'latency' | 'behind' | 'spool'

export interface Stage {
  /** The tag `stage` of its points. A store's ends with its type, so it is a pattern. */
  pattern: string
  title: string
  /** What passes it, as a unit. */
  passes: string
  /** What it reports, with what each means here. */
  facts: Partial<Record<StageFact, string>>
}

/** The stages in the order in which readings pass them; their fields are in docs/influxdb.md. */
export const stages: readonly Stage[] = [
  {
    pattern: 'agent-collect',
    title: 'Agent: collect',
    passes: 'readings/s',
    facts: {
      up: 'Takes messages of devices and acknowledges them once they are on its disk. Up while the agent is online.',
      rate: 'Readings accepted from devices, a second.',
    },
  },
  {
    pattern: 'agent-decode',
    title: 'Agent: decode',
    passes: 'readings/s',
    facts: { errors: 'Readings set aside as invalid; bytes that cannot be decoded count as one.' },
  },
  {
    pattern: 'agent-rollup',
    title: 'Agent: rollup',
    passes: 'readings/s',
    facts: {
      rate: 'Readings in windows that closed, a second.',
      errors: 'Readings that came too late for their window, or were dropped.',
      behind: 'Readings in windows that are still open.',
    },
  },
  {
    pattern: 'agent-spool',
    title: 'Agent: spool',
    passes: 'messages/s',
    facts: {
      up: 'The disk of the agent: journal, open windows, outbox. Up while it is not full.',
      spool: 'Bytes on the disk of the agent, and how much that is of the most it may hold.',
    },
  },
  {
    pattern: 'agent-uplink',
    title: 'Agent: uplink',
    passes: 'messages/s',
    facts: {
      latency:
        'Age of the oldest message without a receipt, 0 where none waits. It grows while the cloud is away, and nothing is lost.',
      behind: 'Messages without a receipt.',
    },
  },
  {
    pattern: 'ingest-collect',
    title: 'Ingest: collect',
    passes: 'messages/s',
    facts: {
      up: 'Takes the messages of agents from the broker. Up while it is connected.',
      rate: 'Messages of agents that arrived, a second.',
      errors: 'Messages let go, or of no use.',
    },
  },
  {
    pattern: 'ingest-spool',
    title: 'Ingest: spool',
    passes: 'messages/s',
    facts: {
      up: 'The disk of the ingest: a message is receipted once it is here. Up while it takes messages.',
      rate: 'Messages committed, a second.',
      errors: 'Dead letters.',
      latency: 'From arrival to commit, mean.',
      spool: 'Bytes on the disk of the ingest, and how much that is of the most it may hold.',
    },
  },
  {
    pattern: 'ingest-store-.*',
    title: 'Ingest: stores',
    passes: 'rows/s',
    facts: {
      up: 'Write rows from the spool, each store at its own pace. Up while it takes rows.',
      rate: 'Rows written, a second.',
      errors: 'Rows that a store refused for good.',
      latency: 'Of one batch, mean.',
      behind: 'Changes in the spool that a store has not taken yet.',
    },
  },
  {
    pattern: 'ingest-serve',
    title: 'Ingest: serve',
    passes: 'requests/s',
    facts: {
      rate: 'Requests, a second.',
      errors: 'Answers of 500 and above.',
      latency: 'Of one request, mean.',
      behind: 'Pages that listen to live events.',
    },
  },
]
