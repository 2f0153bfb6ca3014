import { HubError } from '../hub-error.ts'
import type { Json, JsonObject, TwinSection } from '../types.ts'

const maxDepth = 10
const maxTextBytes = 4096
const maxKeyBytes = 1024
const maxInteger = 4_503_599_627_370_495
const minInteger = -4_503_599_627_370_496
/** Control characters, and what the hub's own names are made with. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const badKey = /[\u0000-\u001f\u007f-\u009f.$ ]/

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(what: string): HubError {
  return new HubError('MalformedTwin', what)
}

function checkLeaf(value: Exclude<Json, Json[] | JsonObject>): void {
  if (typeof value === 'string' && Buffer.byteLength(value) > maxTextBytes) throw malformed('a text is over 4 KB')
  // A whole number is what is written as one: 1e300 is a fraction like 0.5.
  if (typeof value !== 'number' || !/^-?\d+$/.test(String(value))) return
  if (value > maxInteger || value < minInteger) throw malformed('a whole number has over 52 bits')
}

function checkKey(key: string): void {
  if (key === '' || Buffer.byteLength(key) > maxKeyBytes) throw malformed('a key is empty or over 1 KB')
  if (badKey.test(key)) throw malformed(`a key may not hold dots, dollars, spaces or control characters: ${key}`)
}

/** Throws a HubError that says what the hub would not take. `depth` counts the levels above. */
export function checkValues(value: Json, depth = 0): void {
  if (depth > maxDepth) throw malformed(`more than ${maxDepth} levels`)
  if (Array.isArray(value)) {
    for (const item of value) checkValues(item, depth + 1)
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      checkKey(key)
      checkValues(item, depth + 1)
    }
  } else checkLeaf(value)
}

function own(values: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined
}

function ownObject(values: JsonObject, key: string): JsonObject {
  const value = own(values, key)
  return isObject(value) ? value : {}
}

/** `__proto__` is a key like any other. */
function define(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/** The merge of twins: objects merge, null deletes, everything else replaces. A new object; nulls inside new objects go too. */
export function merge(values: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...values }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else define(merged, key, isObject(value) ? merge(ownObject(merged, key), value) : value)
  }
  return merged
}

interface Stamp {
  $lastUpdated: string
  $lastUpdatedVersion?: number
}

/** Stamps what a patch touched and forgets what it deleted. */
function stamped(metadata: JsonObject, patch: JsonObject, stamp: Stamp): JsonObject {
  const result: JsonObject = { ...metadata, ...stamp }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else define(result, key, isObject(value) ? stamped(ownObject(metadata, key), value, stamp) : { ...stamp })
  }
  return result
}

export interface SectionChange {
  patch: JsonObject
  atMs: number
  maxBytes: number
  /** Desired stamps carry the version too. */
  stampVersion: boolean
}

export function emptySection(atMs: number, stampVersion: boolean): TwinSection {
  const stamp = { $lastUpdated: new Date(atMs).toISOString(), ...(stampVersion ? { $lastUpdatedVersion: 1 } : {}) }
  return { values: {}, metadata: stamp, version: 1 }
}

/** Names and values; what the hub adds does not count. */
export function sizeOf(values: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(values))
}

/** The section after a patch, one version on. */
export function patchSection(
  section: TwinSection,
  { patch, atMs, maxBytes, stampVersion }: SectionChange,
): TwinSection {
  checkValues(patch)
  const values = merge(section.values, patch)
  if (sizeOf(values) > maxBytes) throw new HubError('MessageTooLarge', `the properties are over ${maxBytes} bytes`)
  const version = section.version + 1
  const stamp = {
    $lastUpdated: new Date(atMs).toISOString(),
    ...(stampVersion ? { $lastUpdatedVersion: version } : {}),
  }
  return { values, metadata: stamped(section.metadata, patch, stamp), version }
}

/** The patch that turns `values` into exactly `wanted`. */
export function difference(values: JsonObject, wanted: JsonObject): JsonObject {
  const gone = Object.keys(values).filter((key) => !Object.hasOwn(wanted, key))
  const patch: JsonObject = Object.fromEntries(gone.map((key) => [key, null]))
  for (const [key, value] of Object.entries(wanted)) {
    const before = own(values, key)
    if (JSON.stringify(before) === JSON.stringify(value)) continue
    define(patch, key, isObject(before) && isObject(value) ? difference(before, value) : value)
  }
  return patch
}
