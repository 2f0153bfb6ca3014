/**
 * Chance without state: every draw is a hash of a seed and a number, so that any moment of any device can be computed
 * alone, in any order, by any process.
 */

const two32 = 2 ** 32

/** 32-bit hash of a seed and a whole number up to 2^53 (murmur3's finaliser over both halves). */
export function mix(seed: number, n: number): number {
  const low = n | 0
  const high = Math.floor(n / two32) | 0
  return finish(finish(Math.imul(seed ^ low, 0x9e3779b1) ^ high) ^ Math.imul(low, 0x27d4eb2f))
}

function finish(bits: number): number {
  let hash = bits
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** 32-bit hash of a text; different seeds give unrelated hashes. */
export function hashText(text: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash, text.length)
}

/** Uniform in [0, 1). */
export function unit(seed: number, n: number): number {
  return mix(seed, n) / two32
}

/** Smooth noise in [-1, 1] whose values are unrelated after about `periodMs`. */
export function smooth(seed: number, atMs: number, periodMs: number): number {
  const cell = Math.floor(atMs / periodMs)
  const x = atMs / periodMs - cell
  const ease = x * x * (3 - 2 * x)
  const from = unit(seed, cell) * 2 - 1
  return from + (unit(seed, cell + 1) * 2 - 1 - from) * ease
}

/** Noise in [-1, 1] without memory: unrelated from one millisecond to the next. */
export function white(seed: number, atMs: number): number {
  return unit(seed, Math.floor(atMs)) * 2 - 1
}
