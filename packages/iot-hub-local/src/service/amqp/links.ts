import { isBuiltIn, type Node, nodeOf } from './address.ts'
import { notFound, refusal } from './conditions.ts'
import { sendToDevices } from './devicebound.ts'
import { openReader } from './open-reader.ts'
import type { Attached, Attachment, Peer } from './peer.ts'
import { appendTo, receiveInto } from './publisher.ts'
import { logNamed, manage, partitionNumber, putToken, type Reply, replyMessage } from './requests.ts'
import type { EventContext, Message, Receiver, Sender } from './rhea.ts'

const nothing = { end: () => undefined }

/** Links on which the peer receives. */
export function attachSender(peer: Peer, attachment: Attachment<Sender>): Attached {
  const { link, node } = attachment
  if (node.kind === 'reader') return openReader(peer, attachment, node)
  if (node.kind === 'cbs' || node.kind === 'management') return nothing
  if (node.kind !== 'feedback') return { refused: notFound(link.source?.address) }
  const { feedback } = peer.context
  feedback.add(link)
  return { end: () => feedback.remove(link) }
}

/** The link on which the peer waits for answers of a node: the one it names, else any of that node. */
function replyLink(peer: Peer, node: Node, replyTo: string | undefined): Sender | undefined {
  const ofNode = (link: Sender) => nodeOf(link.source?.address)?.kind === node.kind
  const named = (link: Sender) => ofNode(link) && (link.name === replyTo || link.target?.address === replyTo)
  return peer.connection.find_sender(named) ?? peer.connection.find_sender(ofNode)
}

function answerRequests(peer: Peer, { link, node }: Attachment<Receiver>, answer: (request: Message) => Reply): void {
  link.on('message', ({ message, delivery }: EventContext) => {
    link.add_credit(1)
    delivery?.accept()
    if (!message || Buffer.isBuffer(message)) return
    replyLink(peer, node, message.reply_to)?.send(replyMessage(message, answer(message)))
  })
  link.add_credit(100)
}

type PublisherNode = Extract<Node, { kind: 'publisher' }>

function openPublisher(peer: Peer, { link }: Attachment<Receiver>, node: PublisherNode): Attached {
  const { core } = peer.context
  const log = logNamed(core, node.hub)
  const partition = log && node.partition !== undefined ? partitionNumber(log, node.partition) : undefined
  if (!log || (node.partition !== undefined && partition === undefined)) {
    return { refused: notFound(link.target?.address) }
  }
  if (isBuiltIn(node.hub, core.events.builtIn.name)) {
    const text = "Unauthorized access: 'Send' claim(s) are required. Only devices send to the built-in endpoint."
    return { refused: refusal('amqp:unauthorized-access', text) }
  }
  receiveInto(link, appendTo(log, partition))
  return nothing
}

/** Links on which the peer sends. */
export function attachReceiver(peer: Peer, attachment: Attachment<Receiver>): Attached {
  const { link, node } = attachment
  const { core } = peer.context
  if (node.kind === 'publisher') return openPublisher(peer, attachment, node)
  if (node.kind === 'cbs') answerRequests(peer, attachment, (request) => putToken(peer.claims, request))
  else if (node.kind === 'management') answerRequests(peer, attachment, (request) => manage(core, peer.claims, request))
  else if (node.kind === 'devicebound') receiveInto(link, sendToDevices(core.commands))
  else return { refused: notFound(link.target?.address) }
  return nothing
}
