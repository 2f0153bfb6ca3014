/** What a unit of an IoT Hub takes in a day, the bytes that are metered as one message, and most units of a hub. */
export const hubTiers = {
  F1: { blocks: 8_000, blockBytes: 512, maxUnits: 1 },
  B1: { blocks: 400_000, blockBytes: 4_096, maxUnits: 200 },
  S1: { blocks: 400_000, blockBytes: 4_096, maxUnits: 200 },
  B2: { blocks: 6_000_000, blockBytes: 4_096, maxUnits: 200 },
  S2: { blocks: 6_000_000, blockBytes: 4_096, maxUnits: 200 },
  B3: { blocks: 300_000_000, blockBytes: 4_096, maxUnits: 10 },
  S3: { blocks: 300_000_000, blockBytes: 4_096, maxUnits: 10 },
} as const

export type HubTier = keyof typeof hubTiers

/** Share of a tier's messages that one agent takes unless it is told: what is repeated is metered too. */
export const hubOwnShare = 0.8

/** Metered messages that one message of these bytes, properties included, counts as. */
export function hubBlocks(bytes: number, { blockBytes }: { blockBytes: number }): number {
  return Math.max(1, Math.ceil(bytes / blockBytes))
}
