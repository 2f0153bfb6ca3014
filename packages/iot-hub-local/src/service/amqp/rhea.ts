import type { Duplex } from 'node:stream'
import rhea, { type Connection, type Message, type Sender } from 'rhea'

export type { AmqpError, Connection, Delivery, EventContext, Message, Receiver, Sender } from 'rhea'

export const { types, message: codec } = rhea
export const uuidText: (bytes: Buffer) => string = rhea.uuid_to_string

/** A body as rhea decodes it: the bytes or values of sections, or the value itself. */
export interface Section {
  typecode: number
  content: unknown
  multiple?: boolean
}

export const dataSection = 0x75

export interface SaslMechanism {
  outcome: boolean | undefined
  username: string | undefined
  start(response: Buffer | undefined): void | Promise<void>
}

/** The parts of rhea that its types leave out. */
interface RawSession {
  outgoing: { next_pending_delivery: number; next_delivery_id: number }
}

interface RawSender extends Sender {
  credit: number
  _draining: boolean
}

export function creditOf(sender: Sender): number {
  return (sender as RawSender).credit
}

export function isDraining(sender: Sender): boolean {
  return (sender as RawSender)._draining
}

/** Deliveries given to rhea that the peer's session window holds back; they still count in the link's credit. */
export function heldBack(sender: Sender): number {
  const { outgoing } = sender.session as unknown as RawSession
  return outgoing.next_delivery_id - outgoing.next_pending_delivery
}

export interface AcceptOptions {
  mechanisms: Record<string, () => SaslMechanism>
  maxMessageBytes: number
}

const maxFrameBytes = 65_536
const idleMs = 240_000

interface Frame {
  channel: number
  performative: { handle?: number; more?: boolean }
  payload?: Buffer
}

/**
 * rhea's clients, the SDKs of Azure among them, may settle a delivery after they have ended its session; rhea's
 * servers end the connection for it, and the client then waits a minute for answers that never come.
 */
function allowLateFrames(connection: Connection): void {
  for (const handler of ['on_disposition', 'on_flow']) {
    const handle = connection[handler].bind(connection)
    connection[handler] = (frame: Frame) => {
      if (connection.remote_channel_map[frame.channel]) handle(frame)
    }
  }
}

/** rhea would collect a frame, or the frames of a message, of any size before anyone sees it. */
function boundSizes(connection: Connection, stream: Duplex, maxMessageBytes: number): void {
  const input = connection.input.bind(connection)
  connection.input = (bytes: Buffer) => {
    input(bytes)
    if (connection.frame_size > maxFrameBytes) stream.destroy()
  }
  const collected = new Map<string, number>()
  const transfer = connection.on_transfer.bind(connection)
  connection.on_transfer = (frame: Frame) => {
    const key = `${frame.channel}/${frame.performative.handle}`
    const size = (collected.get(key) ?? 0) + (frame.payload?.length ?? 0)
    if (frame.performative.more) collected.set(key, size)
    else collected.delete(key)
    // Annotations and properties come on top of what a link allows.
    if (size > 2 * maxMessageBytes) stream.destroy()
    else transfer(frame)
  }
}

/** A server's end of an AMQP connection over any stream of bytes; a container of its own, so that SASL knows it. */
export function acceptConnection(stream: Duplex, { mechanisms, maxMessageBytes }: AcceptOptions): Connection {
  const container = rhea.create_container({ id: 'millrace-hub' })
  Object.assign(container.sasl_server_mechanisms, mechanisms)
  const connection = container.create_connection({
    port: 0,
    reconnect: false,
    max_frame_size: maxFrameBytes,
    idle_time_out: idleMs,
    receiver_options: { autoaccept: false, credit_window: 0, max_message_size: maxMessageBytes },
    sender_options: {},
  })
  allowLateFrames(connection)
  boundSizes(connection, stream, maxMessageBytes)
  connection.accept(stream)
  return connection
}

export function decodeMessage(bytes: Buffer): Message {
  return codec.decode(bytes) as unknown as Message
}
