import type { AccountsResponse } from '@millrace/contracts'

/** What the line says, from the last answers; undefined where there was none. */
export interface StackView {
  accounts?: AccountsResponse | undefined
  /** Messages that the agent has not been given a receipt for; undefined while it does not answer. */
  outbox?: number | undefined
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

/** The accounts in one line. */
export function accountsLine({ accounts, outbox, uplink, nowMs }: StackView): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ')
  const agent = outbox === undefined ? 'agent away' : `outbox ${number(outbox)}`
  const sums = accounts ? balance(accounts) : 'ingest away'
  return `${time} UTC | ${sums} | ${agent} | uplink ${uplink ? 'on' : 'CUT'}`
}
