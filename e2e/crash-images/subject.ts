import { join } from 'node:path'
import { receiptSchema } from '../../packages/contracts/src/index.ts'
import { AgentJudge } from './agent-judge.ts'
import { type AgentFacts, agentDataDir, runAgent } from './agent-run.ts'
import { IngestJudge } from './ingest-judge.ts'
import { type IngestFacts, ingestDataDir, runIngest } from './ingest-run.ts'
import { type RunOptions, readFacts } from './lives.ts'
import { sentPackets } from './sent-packets.ts'
import { namesFollowFlushes, readRecording } from './service-recording.ts'
import type { Recording } from './steps.ts'
import { judgeStore } from './store-judge.ts'

export const services = ['agent', 'ingest'] as const
/** `store`: the ingest once more, with the files of its embedded store. */
export type SubjectName = (typeof services)[number] | 'store'

/** A recorded run, ready to be cut anywhere. */
export interface Subject {
  recording: Recording
  /** Places at which something was acknowledged. */
  acknowledgements: number[]
  /** Folder of the spool's files, and how much room it holds there. */
  spool: { folder: string; heldBytes: number }
  /** What else must have come about for the run to say anything, and how often it did. */
  happened: Record<string, number>
  /** Breaches in the image of a cut at `at`, whose folders and files stand in `root`. */
  judge(root: string, cut: { at: number; nth: number }): Promise<string[]>
}

/** Every so manieth image of an ingest also gets the messages that its agents would repeat. */
const repeatEvery = 4

const inWatched = (dataDir: string) => dataDir.replace('watched/', '')

async function agentSubject(folder: string): Promise<Subject> {
  const recording = await readRecording(folder)
  const facts = readFacts<AgentFacts>(folder)
  const judge = new AgentJudge(facts)
  const pubacks = sentPackets(recording.sent).flatMap(({ at, to, packet }) => {
    return to === 'client' && packet.kind === 'puback' ? [{ at, id: packet.id }] : []
  })
  const dataDir = inWatched(agentDataDir)
  return {
    recording,
    acknowledgements: pubacks.map(({ at }) => at),
    spool: { folder: dataDir, heldBytes: 8 * 1024 * 1024 },
    happened: { messagesSent: facts.arrived.length, receiptsGiven: facts.receipts.length },
    judge(root, { at }) {
      const acknowledged = new Set(pubacks.filter((one) => one.at < at).map(({ id }) => id))
      return judge.judge(join(root, dataDir), { acknowledged, atMs: recording.timeAt(at) })
    },
  }
}

async function ingestSubject(folder: string): Promise<Subject> {
  const recording = await readRecording(folder, (path) => path.includes('.duckdb'))
  const { issued } = readFacts<IngestFacts>(folder)
  const judge = new IngestJudge(issued)
  const receipts = receiptsIn(recording)
  const dataDir = inWatched(ingestDataDir)
  return {
    recording,
    acknowledgements: receipts.map(({ at }) => at),
    spool: { folder: join(dataDir, 'spool'), heldBytes: 16 * 1024 * 1024 },
    happened: {
      messagesSent: issued.length,
      amendedRows: issued.flatMap(({ rows }) => rows).filter(({ rev }) => rev > 0).length,
    },
    judge(root, { at, nth }) {
      const before = receipts.filter((one) => one.at < at).map(({ receipt }) => receipt)
      const known = { receipts: before, atMs: recording.timeAt(at) }
      return judge.judge(join(root, dataDir), known, nth % repeatEvery === 0)
    },
  }
}

async function storeSubject(folder: string): Promise<Subject> {
  const recording = namesFollowFlushes(await readRecording(folder))
  const { issued } = readFacts<IngestFacts>(folder)
  const dataDir = inWatched(ingestDataDir)
  return {
    recording,
    acknowledgements: receiptsIn(recording).map(({ at }) => at),
    spool: { folder: join(dataDir, 'spool'), heldBytes: 16 * 1024 * 1024 },
    happened: { messagesSent: issued.length },
    judge: (root) => judgeStore(join(root, dataDir)),
  }
}

function receiptsIn({ sent }: Recording) {
  return sentPackets(sent).flatMap(({ at, to, packet }) => {
    if (to !== 'broker' || packet.kind !== 'publish' || !packet.topic.endsWith('/receipt')) return []
    return [{ at, receipt: receiptSchema.parse(JSON.parse(packet.body.toString())) }]
  })
}

/** Enough for a block of DuckDB. */
const blockBytes = 1024 * 1024

export const subjects: Record<
  SubjectName,
  { run(options: RunOptions): Promise<void>; open(folder: string): Promise<Subject> }
> = {
  agent: { run: runAgent, open: agentSubject },
  ingest: { run: runIngest, open: ingestSubject },
  store: { run: (options) => runIngest({ ...options, dataBytes: blockBytes }), open: storeSubject },
}
