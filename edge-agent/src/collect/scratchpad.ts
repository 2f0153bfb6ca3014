const bytesShown = 9
const lowest = -55
const highest = 125

/** CRC-8 of Dallas/Maxim (x⁸ + x⁵ + x⁴ + 1, reflected). */
function crc8(bytes: readonly number[]): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x8c : crc >> 1
  }
  return crc
}

/**
 * °C from the text of `w1_slave`, or what is wrong with it. Nine zeros have a good checksum but come from a bus
 * without a pull-up. 85 °C is what the chip holds before its first conversion; byte 6 tells it from a true 85 °C.
 */
export function readScratchpad(text: string): number | string {
  const bytes = text
    .trim()
    .split(/\s+/)
    .slice(0, bytesShown)
    .map((byte) => Number.parseInt(byte, 16))
  const milli = Number(/\bt=(-?\d+)/.exec(text)?.[1] ?? Number.NaN)
  if (bytes.length < bytesShown || bytes.some(Number.isNaN) || Number.isNaN(milli)) return 'gave no temperature'
  if (bytes.every((byte) => byte === 0)) return 'answers zeros: is the pull-up resistor there?'
  if (!/\bYES\b/.test(text) || crc8(bytes) !== 0) return 'checksum is wrong'
  if (milli === 85_000 && bytes[6] === 0x0c) return 'has lost power and not measured since'
  return measurable(milli / 1000)
}

/** °C as given, or that no thermometer of the family can have measured it. */
export function measurable(celsius: number): number | string {
  return celsius < lowest || celsius > highest ? 'is outside what the sensor can measure' : celsius
}
