/** Bytes of the keeper's parts in a checkpoint. Small parts are JSON, so that a spool can be read by people. */
import { type BytePool, ByteReader, ByteWriter } from '../bytes.ts'
import type { SavedCompleteness, SavedWindow } from '../keeper-types.ts'
import { readMessages, writeMessages } from '../message-sets.ts'
import { readSet, writeSet } from '../set-codec.ts'
import type { WindowSettings } from '../types.ts'
import { DeviceState, type Tally } from './device-state.ts'
import type { KeeperState, PendingEntry } from './keeper-state.ts'
import { OpenMessages } from './open-messages.ts'
import { OpenRows, type WindowFrame } from './open-rows.ts'

const out = new ByteWriter(4096)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

function writeFrame(frame: Omit<WindowFrame, 'start'>): void {
  out.reserve(64)
  out.varint(frame.lengthMs)
  out.varint(frame.maxReadings)
  out.float(frame.closeAt)
  out.byte(Number(frame.late))
}

function readFrame(from: ByteReader, start: number): WindowFrame {
  const lengthMs = from.varint()
  const maxReadings = from.varint()
  const closeAt = from.float()
  return { start, lengthMs, maxReadings, closeAt, late: from.byte() === 1 }
}

export function encodeWindow(window: OpenRows, pool: BytePool): Uint8Array {
  writeFrame(window)
  out.varint(window.duplicates)
  out.byte(Number(window.full))
  writeSet(out, window.columns())
  return out.take(pool)
}

export function decodeWindow(state: KeeperState, saved: SavedWindow): OpenRows {
  const owner = state.device(state.directory.deviceOf(saved.series))
  const from = new ByteReader(saved.bytes)
  const window = new OpenRows(saved.series, owner, readFrame(from, saved.start))
  window.duplicates = from.varint()
  window.full = from.byte() === 1
  window.replace(readSet(from), state.arena)
  from.end()
  window.saved = true
  return window
}

export function encodeOpenMessages(window: OpenMessages, pool: BytePool): Uint8Array {
  writeFrame({ ...window, late: false })
  writeMessages(out, window.boots)
  return out.take(pool)
}

export function decodeOpenMessages(saved: SavedCompleteness): OpenMessages {
  const from = new ByteReader(saved.bytes)
  const frame = readFrame(from, saved.start)
  const window = new OpenMessages(saved.device, frame, readMessages(from))
  from.end()
  window.saved = true
  return window
}

/** As JSON writes -Infinity and NaN: null. */
interface DeviceJson {
  newest: number | null
  watermark: number | null
  floor: number | null
  lastArrival: number | null
  spans: { fromMs: number | null; settings: WindowSettings }[]
  boots: number[]
  counts: Tally
}

export function encodeDevice(device: DeviceState): Uint8Array {
  const { newest, watermark, floor, lastArrival, settingsSpans, boots, counts } = device
  return encodeJson({ newest, watermark, floor, lastArrival, spans: settingsSpans, boots, counts })
}

export function decodeDevice(id: number, bytes: Uint8Array): DeviceState {
  const json: DeviceJson = JSON.parse(decoder.decode(bytes))
  const time = (ms: number | null) => ms ?? Number.NEGATIVE_INFINITY
  const spans = json.spans.map(({ fromMs, settings }) => ({ fromMs: time(fromMs), settings }))
  const device = new DeviceState(id, spans)
  device.newest = time(json.newest)
  device.watermark = time(json.watermark)
  device.floor = time(json.floor)
  device.lastArrival = json.lastArrival ?? Number.NaN
  device.boots.push(...json.boots)
  // An earlier release saved what was open as well.
  const { open: _, ...counts } = json.counts as Tally & { open?: number }
  Object.assign(device.counts, counts)
  device.refresh()
  return device
}

interface GlobalJson {
  settings: WindowSettings
  amendSpanMs: number | null
  epoch: string
  anchor: { monotonicMs: number; wallMs: number } | null
}

export function encodeGlobal(state: KeeperState): Uint8Array {
  const { settings, amendSpanMs, epoch, anchor, pending } = state
  out.block(encodeJson({ settings, amendSpanMs, epoch, anchor: anchor ?? null }))
  out.reserve(8)
  out.varint(pending.length)
  for (const { bytes, ofEarlierStart } of pending) {
    out.reserve(1)
    out.byte(Number(ofEarlierStart))
    out.block(bytes)
  }
  return out.take()
}

export function decodeGlobal(state: KeeperState, bytes: Uint8Array): void {
  const from = new ByteReader(bytes)
  const json: GlobalJson = JSON.parse(decoder.decode(from.block()))
  state.settings = json.settings
  state.amendSpanMs = json.amendSpanMs ?? Number.POSITIVE_INFINITY
  state.epoch = json.epoch
  state.anchor = json.anchor ?? undefined
  state.pending = Array.from({ length: from.count(from.left) }, () => readPending(from))
  from.end()
}

function readPending(from: ByteReader): PendingEntry {
  const ofEarlierStart = from.byte() === 1
  return { ofEarlierStart, bytes: from.block().slice() }
}

function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}
