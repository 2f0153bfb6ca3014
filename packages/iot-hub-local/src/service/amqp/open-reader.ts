import type { EventLog, StartPosition } from '../../types.ts'
import type { Node } from './address.ts'
import { amqpError, notFound, refusal } from './conditions.ts'
import type { Attached, Attachment, Peer } from './peer.ts'
import { startOf } from './position.ts'
import { Reader } from './reader.ts'
import { logNamed, partitionNumber } from './requests.ts'
import type { Sender } from './rhea.ts'

const epochProperty = 'com.microsoft:epoch'
const metricsCapability = 'com.microsoft:enable-receiver-runtime-metric'

type ReaderNode = Extract<Node, { kind: 'reader' }>

interface Wanted {
  log: EventLog
  partition: number
  position: StartPosition
}

function capabilities(link: Sender): string[] {
  const wanted: unknown = link.desired_capabilities
  return (Array.isArray(wanted) ? wanted : [wanted]).map(String)
}

function epochOf(link: Sender): number | null {
  const epoch: unknown = link.properties?.[epochProperty]
  return typeof epoch === 'number' ? epoch : null
}

/** Starts reading once the position is found, unless the link has ended by then. */
function startReading(
  peer: Peer,
  { link, drop }: Attachment<Sender>,
  { log, partition, position }: Wanted,
): () => void {
  let reader: Reader | undefined
  let ended = false
  const { clock } = peer.context.core
  const metricsNow = capabilities(link).includes(metricsCapability) ? () => clock.now() : undefined
  const read = async () => {
    const from = await log.locate(partition, position)
    if (ended) return
    reader = new Reader({ sender: link, stream: peer.stream, log, partition, from, metricsNow })
    await reader.run()
  }
  read().catch((error: unknown) => drop(amqpError(error)))
  return () => {
    ended = true
    reader?.stop()
  }
}

/** A link that receives the events of one partition in one consumer group. */
export function openReader(peer: Peer, attachment: Attachment<Sender>, node: ReaderNode): Attached {
  const { core, places } = peer.context
  const { link, drop } = attachment
  const log = logNamed(core, node.hub)
  const partition = log && partitionNumber(log, node.partition)
  const isGroup = core.consumerGroups?.has(node.group) ?? true
  if (!log || partition === undefined || !isGroup) return { refused: notFound(link.source?.address) }
  const position = startOf(link.source?.filter)
  if (!position) return { refused: refusal('amqp:invalid-field', 'the filter of the link names no position') }
  const key = `${log.name}/${node.group}/${partition}`
  const place = { epoch: epochOf(link), evict: drop }
  const refused = places.enter(key, place)
  if (refused) return { refused }
  const stop = startReading(peer, attachment, { log, partition, position })
  return {
    end() {
      places.leave(key, place)
      stop()
    },
  }
}
