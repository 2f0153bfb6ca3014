import { clockStates, type DeviceClocksStatus } from '@millrace/contracts'
import type { Names } from '../names.ts'
import type { Agreement } from './agreement.ts'
import { ClockPolicy, type ClockPolicyOptions } from './clock-policy.ts'
import { type ClockThresholds, type ClockVerdict, DeviceClocks, type ReferenceTime } from './device-clocks.ts'

export interface ClockDoctorOptions {
  settings: ClockThresholds & Pick<ClockPolicyOptions, 'sites'>
  names: Names
  time: ReferenceTime
}

/** Devices that are not good and named one by one. */
const namedDevices = 20

/** The clocks of the devices, and what is done about them. */
export class ClockDoctor {
  readonly clocks: DeviceClocks
  readonly policy: ClockPolicy
  readonly #names: Names

  constructor({ settings, names, time }: ClockDoctorOptions) {
    this.#names = names
    this.clocks = new DeviceClocks(settings, time)
    this.policy = new ClockPolicy({ sites: settings.sites, names, clocks: this.clocks })
  }

  agreement(): Agreement | undefined {
    return this.clocks.agreement(this.#names.deviceCount)
  }

  /** With what is done to its readings, where that is something. */
  of(device: number): ClockVerdict & { policy?: string; restamped?: number } {
    const policy = this.policy.policyOf(device)
    const done = policy === 'accept' ? {} : { policy, restamped: this.policy.restamped(device) }
    return { ...this.clocks.verdict(device), ...done }
  }

  /** How many clocks are in which state, and the worst of them by name. */
  status(): DeviceClocksStatus {
    const states = Object.fromEntries(clockStates.map((state) => [state, 0])) as DeviceClocksStatus['states']
    const worst: DeviceClocksStatus['worst'] = []
    for (let device = 1; device < this.#names.deviceCount; device++) {
      const { state, ...told } = this.clocks.judge(device)
      states[state]++
      if (state === 'good') continue
      const name = { site: this.#names.siteOf(device), device: this.#names.deviceName(device) }
      worst.push({ ...name, state, ...told })
    }
    const rank = ({ state, offsetMs }: (typeof worst)[number]) => (state === 'unknown' ? -1 : Math.abs(offsetMs ?? 0))
    worst.sort((a, b) => rank(b) - rank(a))
    const agreement = this.agreement()
    const suspect = this.clocks.suspectsAgent(this.#names.deviceCount) && agreement ? { suspect: agreement } : {}
    return { states, worst: worst.slice(0, namedDevices), restamped: this.policy.restamped(), ...suspect }
  }
}
