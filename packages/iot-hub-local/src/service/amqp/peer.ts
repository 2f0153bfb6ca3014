import type { Duplex } from 'node:stream'
import type { HubCore } from '../../types.ts'
import type { Authority } from '../authority.ts'
import type { Node } from './address.ts'
import type { Claims } from './claims.ts'
import type { FeedbackSender } from './feedback.ts'
import type { ReaderPlaces } from './reader-places.ts'
import type { AmqpError, Connection } from './rhea.ts'

/** What all connections of the service side share. */
export interface ServiceContext {
  core: HubCore
  authority: Authority
  places: ReaderPlaces
  feedback: FeedbackSender
}

/** One end of a connection, as its links see it. */
export interface Peer {
  readonly context: ServiceContext
  readonly claims: Claims
  readonly stream: Duplex
  readonly connection: Connection
}

export interface Attachment<Link> {
  link: Link
  node: Node
  /** Ends the link with an error, later. */
  drop(error: AmqpError): void
}

/** A link that is open, with what frees what it holds; or why it is refused. */
export type Attached = { end(): void } | { refused: AmqpError }
