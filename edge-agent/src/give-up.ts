import type { Pipeline, PipelineOptions } from './pipeline.ts'
import { Pressure } from './pressure.ts'
import { dropInherited, reserveOf } from './spool/index.ts'
import type { Upkeep } from './upkeep.ts'

/** Messages given up at once by a full spool that may drop its oldest. */
const dropAtOnce = 32

/** What a full spool does, and with what. */
export function createPressure(
  { config, log }: Pick<PipelineOptions, 'config' | 'log'>,
  pipeline: Pipeline,
  upkeep: Upkeep,
): Pressure {
  const { spool, commits, checkpoints, sender } = pipeline
  return new Pressure({
    whenFull: config.spool.whenFull,
    maxBytes: config.spool.maxBytes,
    reserveBytes: reserveOf(config.spool.maxBytes),
    usedBytes: () => spool.usedBytes(),
    diskFull: async () => (await spool.file.usage()).tight === true,
    shorterSpan: () => upkeep.shrunkSpan(0.5),
    append: (entry) => commits.append(entry),
    checkpoint: async () => {
      await commits.flush()
      await checkpoints.runOrWait()
    },
    checkpointWaits: () => checkpoints.problem !== undefined,
    giveUpKept: () => pipeline.lineage.giveUpKept(),
    dropOldest: async () => {
      const messages = await sender.betweenReceipts(() => giveUpOldest(pipeline))
      log.warn({ messages }, 'the spool is full: gave up its oldest messages')
    },
    resume: () => {
      commits.resume()
      log.info({}, 'the spool has room again')
    },
  })
}

/**
 * The oldest messages leave the outbox in the transaction that journals what their devices lose, so the accounts are
 * right after a kill too. Their numbers are told upstream. A window that is amended later brings its lost readings
 * after all, and then they are dropped no more.
 */
async function giveUpOldest({ spool, commits, sender, uplink, rollup }: Pipeline): Promise<number> {
  // What a live connection was given may be at the far side already.
  const sent = uplink.connected ? sender.onTheWay() : []
  const inherited = await dropInherited(spool.file, spool.inherited, dropAtOnce)
  if (inherited > 0) return inherited
  const { messages, losses } = await spool.oldest(dropAtOnce, [...sent, ...rollup.awaited()])
  if (messages.length === 0) return 0
  const gone = commits.appendWith({ kind: 'dropped', losses }, messages)
  // The windows may take nothing more while a checkpoint waits for the very room that this makes.
  await commits.flush()
  await gone
  for (const message of messages) sender.forget(message)
  return messages.length
}
