import type { LiveReadingEvent } from '@millrace/contracts'

const smoothing = 1 / 5

/** How far behind the devices' clocks what arrives is, smoothed over a few arrivals. */
export class Delay {
  /** Undefined before the first reading. */
  ms: number | undefined

  /** Takes the median, so that one device with a wrong clock says nothing. */
  observe({ readings }: LiveReadingEvent, now: number): void {
    const ages = readings.map(({ ts }) => now - ts).sort((a, b) => a - b)
    const middle = ages[Math.floor(ages.length / 2)]
    if (middle === undefined) return
    this.ms = this.ms === undefined ? middle : this.ms + (middle - this.ms) * smoothing
  }
}
