import type { Duplex } from 'node:stream'
import { type Node, nodeOf, pathOf } from './address.ts'
import { Claims } from './claims.ts'
import { notFound, refusal } from './conditions.ts'
import { attachReceiver, attachSender } from './links.ts'
import type { Attached, Peer, ServiceContext } from './peer.ts'
import {
  type AmqpError,
  acceptConnection,
  type Connection,
  type EventContext,
  type Receiver,
  type Sender,
} from './rhea.ts'
import { mechanismsFor } from './sasl.ts'

/** Largest message of a sender: what Event Hubs takes of its standard tier. */
export const maxMessageBytes = 1024 * 1024

type Link = Sender | Receiver

interface OpenLink {
  node: Node
  address: string
  end(): void
}

const neededClaim = 'serviceConnect'

/** One connection to the service side: its claims, and the links that they allow. */
export class ServiceConnection implements Peer {
  readonly claims: Claims
  readonly context: ServiceContext
  readonly stream: Duplex
  readonly connection: Connection
  readonly #links = new Map<Link, OpenLink>()

  constructor(stream: Duplex, context: ServiceContext) {
    this.context = context
    this.stream = stream
    this.claims = new Claims(context.authority)
    this.connection = acceptConnection(stream, { mechanisms: mechanismsFor(this.claims), maxMessageBytes })
    this.#followConnection()
    this.#followLinks()
  }

  /** Ends the links whose token has expired. */
  checkClaims(): void {
    for (const [link, { node, address }] of Array.from(this.#links)) {
      if (this.#permits(node, address)) continue
      this.#drop(link, refusal('amqp:unauthorized-access', `ExpiredToken: the token for ${address} has expired`))
    }
  }

  close(): void {
    this.#forget(() => true)
    this.connection.close(refusal('amqp:connection:forced', 'the hub is stopping'))
    // What is to be said is written in the next turn.
    setImmediate(() => this.stream.destroy())
  }

  #followConnection(): void {
    const over = () => this.#forget(() => true)
    for (const event of ['connection_close', 'connection_error', 'disconnected']) this.connection.on(event, over)
    // rhea closes the stream after an error in what the peer sent, and throws where nobody listens.
    for (const event of ['error', 'protocol_error', 'session_error']) this.connection.on(event, () => undefined)
    this.stream.once('close', over)
  }

  #followLinks(): void {
    const { connection } = this
    connection.on('sender_open', ({ sender }: EventContext) => {
      if (sender) this.#open(sender, sender.source?.address)
    })
    connection.on('receiver_open', ({ receiver }: EventContext) => {
      if (receiver) this.#open(receiver, receiver.target?.address)
    })
    for (const event of ['sender_close', 'sender_error', 'receiver_close', 'receiver_error']) {
      connection.on(event, ({ sender, receiver }: EventContext) => {
        this.#forget((link) => link === sender || link === receiver)
      })
    }
    connection.on('session_close', ({ session }: EventContext) => this.#forget((link) => link.session === session))
  }

  #open(link: Link, address: string | undefined): void {
    link.set_source({ address: link.source?.address })
    link.set_target({ address: link.target?.address })
    const node = nodeOf(address)
    if (!node || address === undefined) {
      link.close(notFound(address))
      return
    }
    const attached = this.#attach(link, node, address)
    if ('refused' in attached) link.close(attached.refused)
    else this.#links.set(link, { node, address, end: attached.end })
  }

  #attach(link: Link, node: Node, address: string): Attached {
    if (!this.#permits(node, address)) {
      const text = `Unauthorized access to ${address}: it needs a token of a policy with the permission ServiceConnect`
      return { refused: refusal('amqp:unauthorized-access', text) }
    }
    const drop = (error: AmqpError) => this.#drop(link, error)
    return link.is_sender()
      ? attachSender(this, { link: link as Sender, node, drop })
      : attachReceiver(this, { link: link as Receiver, node, drop })
  }

  /** Tokens are put without any; a request for management names its event hub itself. */
  #permits(node: Node, address: string): boolean {
    if (node.kind === 'cbs') return true
    return this.claims.permits(node.kind === 'management' ? undefined : `/${pathOf(address)}`, neededClaim)
  }

  #drop(link: Link, error: AmqpError): void {
    this.#forget((open) => open === link)
    link.close(error)
  }

  #forget(which: (link: Link) => boolean): void {
    for (const [link, { end }] of Array.from(this.#links)) {
      if (!which(link)) continue
      this.#links.delete(link)
      end()
    }
  }
}
