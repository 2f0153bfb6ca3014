import { hubOwnShare } from '@millrace/contracts'
import { lengthText, tableLines } from '../rules/text.ts'
import type { Plan, TierPlan } from './arithmetic.ts'

const sizes = ['B', 'KB', 'MB', 'GB', 'TB'] as const
const step = 1_000

function bytesText(bytes: number): string {
  let size = 0
  let value = bytes
  while (value >= step && size < sizes.length - 1) {
    value /= step
    size++
  }
  return `${value < 10 && size > 0 ? value.toFixed(1) : Math.round(value)} ${sizes[size]}`
}

const number = (value: number) => Math.round(value).toLocaleString('en-GB')
const rate = (value: number) => (value < 100 ? value.toPrecision(3) : number(value))
const percent = (share: number) => `${share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`

function verdict({ fits, units, unitsNeeded }: TierPlan): string {
  if (fits) return 'fits'
  if (unitsNeeded === null) return 'does not fit'
  return unitsNeeded > units ? `needs ${unitsNeeded} units` : 'fits'
}

function tierRow(plan: TierPlan): string[] {
  const { tier, units, blocksPerDay, quotaPerDay, share } = plan
  return [`${tier} x ${units}`, number(blocksPerDay), number(quotaPerDay), percent(share), verdict(plan)]
}

const daysText = (hours: number) => (hours >= 48 ? `${number(hours / 24)} days` : `${rate(hours)} hours`)

function factLines({ fleet, windowLengthMs, uplink, agent, cloud }: Plan): string[] {
  const { duckdb, influxdb } = cloud.storeBytesPerDay
  const amend = lengthText(agent.amendForMs)
  return tableLines([
    ['Fleet', `${number(fleet.sites)} sites, ${number(fleet.devices)} devices, ${number(fleet.series)} series`],
    ['Readings', `${rate(fleet.readingsPerSecond)} a second, in ${rate(fleet.messagesPerSecond)} messages a second`],
    ['Windows', `${lengthText(windowLengthMs)} each: ${number(uplink.summariesPerDay)} summaries a day`],
    [
      'To the cloud',
      `${number(uplink.messagesPerDay)} messages, ${bytesText(uplink.bytesPerDay)} a day: ${bytesText(uplink.bytesPerMessage)} a message, ${number(uplink.bytesPerSummary)} B a summary, ${rate(uplink.bytesPerReading)} B a reading`,
    ],
    ["Agent's spool", `${bytesText(agent.setBytes)} of sets, so that readings ${amend} late are still counted`],
    [
      'Outage',
      `${daysText(agent.bridgesHours)} fit into ${bytesText(agent.spoolMaxBytes)}, at ${bytesText(agent.outboxBytesPerHour)} an hour`,
    ],
    ["Ingest's spool", `about ${bytesText(cloud.ingestSpoolBytes)}, for 48 hours of revisions`],
    [
      'Store',
      `${number(cloud.rowsPerDay)} rows a day: about ${bytesText(duckdb)} in DuckDB, ${bytesText(influxdb)} in InfluxDB`,
    ],
  ])
}

/** The plan for people. */
export function planLines(plan: Plan): string[] {
  const { sample, uplink } = plan
  const rows = uplink.tiers.map(tierRow)
  return [
    ...factLines(plan),
    '',
    ...tableLines([['IoT Hub', 'metered a day', 'of', '', `within ${percent(hubOwnShare)}`], ...rows]),
    '',
    `Measured on ${lengthText(sample.spanMs)} of the fleet, ${number(sample.readings)} readings, packed by the agent itself. Not in it: live`,
    'readings, devices that measure this machine, and what is sent again after an outage.',
    ...(sample.setAside > 0 ? [`${number(sample.setAside)} readings of the sample were set aside.`] : []),
  ]
}
