import { type AccountsResponse, type ApiAlert, severities } from '@millrace/contracts'

/** What the line says, from the last answers; undefined where there was none. */
export interface StackView {
  accounts?: AccountsResponse | undefined
  /** Messages that the agent has not been given a receipt for; undefined while it does not answer. */
  outbox?: number | undefined
  /** Alerts that are active now; undefined where nobody tells. */
  alerts?: readonly ApiAlert[] | undefined
  uplink: boolean
  /** Event time, epoch ms. */
  nowMs: number
}

const number = (value: number) => value.toLocaleString('en-GB')

function balance({ total, stores }: AccountsResponse): string {
  const behind = stores.map(
    ({ type, behind, error }) => `${type}${error ? ' !' : ''}${behind > 0 ? ` -${number(behind)}` : ''}`,
  )
  const aside = total.tooLate + total.invalid + total.dropped
  const terms = [
    `${number(total.closed)} closed`,
    `${number(total.open)} open`,
    `${number(total.duplicate)} duplicate`,
    `${number(aside)} set aside`,
  ]
  return `${number(total.accepted)} readings = ${terms.join(' + ')}; unaccounted ${number(total.unaccounted)} | ${behind.join(', ')}`
}

/** The most urgent of them by name. */
function alertsText(alerts: readonly ApiAlert[]): string {
  const urgent = alerts.toSorted((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity))[0]
  if (!urgent) return 'no alerts'
  const { rule, site, device } = urgent
  return `${alerts.length === 1 ? '1 alert' : `${alerts.length} alerts`}: ${rule} ${site}${device === null ? '' : `/${device}`}`
}

/** The accounts in one line. */
export function accountsLine({ accounts, outbox, alerts, uplink, nowMs }: StackView): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ')
  const agent = outbox === undefined ? 'agent away' : `outbox ${number(outbox)}`
  const sums = accounts ? balance(accounts) : 'ingest away'
  const watched = alerts === undefined ? '' : `${alertsText(alerts)} | `
  return `${time} UTC | ${watched}${sums} | ${agent} | uplink ${uplink ? 'on' : 'CUT'}`
}
