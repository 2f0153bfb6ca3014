/** Largest MQTT payload a device may send, in bytes. */
export const maxMessageBytes = 256 * 1024
/** Most readings one device message may hold, over all objects of its array. */
export const maxReadingsPerMessage = 1_000
/** Most metrics one object of a device message may hold. */
export const maxMetricsPerObject = 256
/** Largest absolute value of a reading. */
export const maxAbsoluteValue = 1e100
/** Largest body between agent and cloud, in bytes; leaves room under IoT Hub's 256 KB for properties. */
export const maxBodyBytes = 192 * 1024
/** First and first-invalid event time, epoch ms: 2000-01-01 to 2100-01-01 UTC. */
export const minTimeMs = Date.UTC(2000, 0, 1)
export const endTimeMs = Date.UTC(2100, 0, 1)
/** A numeric `ts` below this is epoch seconds, else epoch milliseconds. */
export const secondsBelow = 1e11
/** Event times further ahead of the agent's time than this are dead letters (`future`), in ms. */
export const futureMs = 5 * 60_000
/** At most this many messages of one uplink await a receipt. */
export const maxOutstandingMessages = 32

/** Sites, devices, metrics and boots: 1 to 64 of these characters. */
export const namePattern = /^[A-Za-z0-9._:-]{1,64}$/
