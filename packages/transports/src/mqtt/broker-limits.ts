import { z } from 'zod'

/** Room for a topic and the variable header around a payload of 256 KiB. */
const maxPacketBytes = 256 * 1024 + 1024

/** Limits a broker holds against every connection, with the defaults of the product. */
export const brokerLimitsSchema = z
  .object({
    maxPacketBytes: z.int().positive().default(maxPacketBytes),
    maxConnections: z.int().positive().default(4096),
    maxConnectionsPerAddress: z.int().positive().default(2048),
    maxConnectsPerSecond: z.int().positive().default(512),
    maxTopicBytes: z.int().positive().default(256),
    maxTopicLevels: z.int().positive().max(100).default(8),
    maxSubscriptionsPerClient: z.int().positive().default(100),
    /** Topics with a retained message; a further one ends its connection. */
    maxRetainedTopics: z.int().positive().default(10_000),
    /** A connection without a whole CONNECT is ended after this time. */
    connectTimeoutMs: z.int().positive().default(10_000),
    /** Longest keepalive a client may ask for; none at all is refused too. */
    maxKeepaliveS: z.int().positive().default(300),
    /** A client that does not read what it asked for is ended after this time. */
    drainTimeoutMs: z.int().positive().default(30_000),
    /** QoS 2 messages of one client between PUBREC and PUBREL. */
    maxInflightQos2: z.int().positive().default(100),
  })
  .strict()

export type BrokerLimits = z.output<typeof brokerLimitsSchema>
