import { createHash } from 'node:crypto'
import {
  type Alert,
  type AlertsBody,
  alertsBodySchema,
  cloudTopic,
  parseCloudTopic,
  type Receipt,
  type StatusBody,
  type SummariesBody,
  type SummaryRow,
  statusBodySchema,
  summariesBodySchema,
} from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import { createMqttLink, type MqttLink } from '@millrace/transports'
import { RangeSet } from '@millrace/windows'

export interface FakeIngestOptions {
  url: string
  /** False: messages are taken and no receipt is given. */
  receipts?: boolean
  /** Which messages to take; the others are as if lost on the way. */
  takes?: (seq: number) => boolean
}

type AccountRow = { [Column in keyof SummariesBody['accounts']]: SummariesBody['accounts'][Column][number] }

const accountNames = [
  'device',
  'accepted',
  'closed',
  'open',
  'duplicate',
  'tooLate',
  'invalid',
  'dropped',
  'sent',
] as const

/** Takes what agents send as the contract has it, keeps it in memory, and notes every breach of a promise. */
export class FakeIngest {
  readonly breaches: string[] = []
  /** Newest row of each window, by `site/device/metric/start`. */
  readonly rows = new Map<string, SummaryRow & { site: string }>()
  /** The same of each part: `spool/site/device/metric/start`. */
  readonly parts = new Map<string, SummaryRow & { site: string }>()
  /** Newest account of each device, by `site/device`, as of the highest message number. */
  readonly accounts = new Map<string, AccountRow & { seq: number }>()
  /** Newest revision of each alert by id, and every revision in order of its message's first arrival. */
  readonly alerts = new Map<string, Alert>()
  readonly alertChanges: Alert[] = []
  readonly received = new Map<string, RangeSet>()
  readonly others: { kind: string; site: string; body: unknown }[] = []
  deliveries = 0
  readonly #hashes = new Map<string, string>()
  /** By `spool/site/device/`. */
  readonly #sent = new Map<string, { seq: number; sent: number }>()
  readonly #epochs = new Map<string, Set<string>>()
  readonly #link: MqttLink
  readonly #options: FakeIngestOptions

  constructor(options: FakeIngestOptions) {
    this.#options = options
    this.#link = createMqttLink({ url: options.url, clientId: `ingest-${Math.random().toString(36).slice(2)}` })
  }

  async start(): Promise<this> {
    this.#link.subscribe(['millrace/v1/#'], (message) => this.receive(message))
    this.#link.onConnect(() => this.announce())
    await this.#link.start()
    return this
  }

  stop(): Promise<void> {
    return this.#link.stop()
  }

  /** Publishes the receipt of everything so far, as on a connect. */
  announce(): void {
    for (const key of this.received.keys()) this.#sendReceipt(key)
  }

  /** Publishes any body as a receipt. */
  async publishReceipt(site: string, agent: string, receipt: unknown): Promise<void> {
    const topic = cloudTopic({ site, agent, kind: 'receipt' })
    await this.#link.publish({ topic, body: Buffer.from(JSON.stringify(receipt)), retain: true })
  }

  rowsOf(device: string): (SummaryRow & { site: string })[] {
    return [...this.rows.values()].filter((row) => row.device === device)
  }

  /** Readings of a window in all its parts; `key` as in `rows`. */
  readingsOf(key: string): number {
    return sumOf([...this.parts].filter(([part]) => part.endsWith(`/${key}`)))
  }

  /** Breaches that only show once every message is there: `sent` against the rows, gaps between numbers. */
  balance(): string[] {
    const breaches = [...this.breaches]
    for (const [key, ranges] of this.received) {
      if (ranges.ranges().length > 1 || ranges.ranges()[0]?.[0] !== 0) breaches.push(`gap in the messages of ${key}`)
    }
    for (const [key, { sent }] of this.#sent) {
      const held = sumOf([...this.parts].filter(([part]) => part.startsWith(key)))
      if (held !== sent) breaches.push(`${key}: ${held} readings in rows, ${sent} sent`)
    }
    return breaches
  }

  /** Takes a message as if it had come over the broker. */
  receive({ topic, body }: Message): void {
    const address = parseCloudTopic(topic)
    if (!address || address.kind === 'receipt') return
    const json: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    if (address.kind === 'summaries') {
      const parsed = this.#spooled(address.agent, body, summariesBodySchema.safeParse(json))
      if (parsed) this.#take(parsed)
    } else if (address.kind === 'alerts') {
      const parsed = this.#spooled(address.agent, body, alertsBodySchema.safeParse(json))
      if (parsed) this.#takeAlerts(parsed)
    } else {
      this.others.push({ kind: address.kind, site: address.site, body: json })
      const status = statusBodySchema.safeParse(json)
      if (address.kind === 'status' && status.success) this.#greet(status.data)
    }
  }

  /** As the ingest does: what it has of a spool, to an agent that asks. */
  #greet({ site, agent, epoch, spool }: StatusBody): void {
    if (spool?.asks !== true || epoch === undefined || this.#options.receipts === false) return
    const name = String(spool.name)
    const sites = [...this.received].flatMap(([key, ranges]) => {
      const [of, by, from] = key.split('/')
      return by === agent && from === name
        ? [{ site: of, newest: ranges.last ?? -1, epochs: this.#epochs.get(key) }]
        : []
    })
    const standing = { to: epoch, sites: sites.map((one) => ({ ...one, epochs: [...(one.epochs ?? [])] })) }
    const receipt = { ...this.#receiptOf(`${site}/${agent}/${name}`), standing }
    this.publishReceipt(site, agent, receipt).catch(() => undefined)
  }

  /** The body where it came for the first time. */
  #spooled<Body extends SummariesBody | AlertsBody>(
    agent: string,
    bytes: Uint8Array,
    parsed: { success: true; data: Body } | { success: false; error: Error },
  ): Body | undefined {
    this.deliveries++
    if (!parsed.success) {
      this.breaches.push(`not as the contract has it: ${parsed.error.message}`)
      return undefined
    }
    const { site, spool, seq, epoch } = parsed.data
    if (this.#options.takes?.(seq) === false) return undefined
    if (bytes.byteLength >= 192 * 1024) this.breaches.push(`message ${seq} has ${bytes.byteLength} bytes`)
    const key = `${site}/${agent}/${spool}`
    const hash = createHash('sha256').update(bytes).digest('hex')
    const known = this.#hashes.get(`${key}/${seq}`)
    if (known !== undefined && known !== hash) this.breaches.push(`message ${seq} came with other bytes`)
    this.#hashes.set(`${key}/${seq}`, hash)
    const received = this.received.get(key) ?? new RangeSet()
    this.received.set(key, received)
    const isNew = received.add(seq)
    this.#epochs.set(key, (this.#epochs.get(key) ?? new Set()).add(epoch))
    if (this.#options.receipts !== false) this.#sendReceipt(key)
    return isNew ? parsed.data : undefined
  }

  #takeAlerts({ site, alerts }: AlertsBody): void {
    for (const alert of alerts) {
      if (alert.site !== site) this.breaches.push(`${alert.id} came in a message of ${site}`)
      this.alertChanges.push(alert)
      if (alert.rev > (this.alerts.get(alert.id)?.rev ?? -1)) this.alerts.set(alert.id, alert)
    }
  }

  #take(body: SummariesBody): void {
    const { site, seq, spool, columns, accounts } = body
    for (let at = 0; at < columns.device.length; at++) {
      const row = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[at]]))
      this.#row(spool, { site, ...(row as unknown as SummaryRow) })
    }
    for (let at = 0; at < accounts.device.length; at++) {
      const row = Object.fromEntries(accountNames.map((name) => [name, accounts[name][at]])) as unknown as AccountRow
      this.#account(`${site}/${row.device}`, { ...row, seq })
      const told = this.#sent.get(`${spool}/${site}/${row.device}/`)
      if ((told?.seq ?? -1) < seq) this.#sent.set(`${spool}/${site}/${row.device}/`, { seq, sent: row.sent })
    }
  }

  #row(spool: string, row: SummaryRow & { site: string }): void {
    const key = `${row.site}/${row.device}/${row.metric}/${row.start}`
    const expected = (this.parts.get(`${spool}/${key}`)?.rev ?? -1) + 1
    if (row.rev !== expected) this.breaches.push(`${key}: revision ${row.rev}, expected ${expected}`)
    if (row.amended > 0 && row.rev === 0) this.breaches.push(`${key}: amended in its first revision`)
    this.rows.set(key, row)
    this.parts.set(`${spool}/${key}`, row)
  }

  #account(key: string, row: AccountRow & { seq: number }): void {
    const sum = (reasons: Record<string, number>) => Object.values(reasons).reduce((total, count) => total + count, 0)
    const { accepted, closed, open, duplicate, tooLate, invalid, dropped } = row
    const terms = closed + open + duplicate + tooLate + sum(invalid) + sum(dropped)
    if (accepted !== terms) this.breaches.push(`${key}: accepted ${accepted}, terms ${terms}`)
    if ((this.accounts.get(key)?.seq ?? -1) < row.seq) this.accounts.set(key, row)
  }

  #sendReceipt(key: string): void {
    const [site, agent] = key.split('/') as [string, string]
    this.publishReceipt(site, agent, this.#receiptOf(key)).catch(() => undefined)
  }

  #receiptOf(key: string): Receipt {
    const ranges = this.received.get(key)?.ranges() ?? []
    const upTo = ranges[0]?.[0] === 0 ? ranges[0][1] : -1
    const rest = ranges[0]?.[0] === 0 ? ranges.slice(1) : ranges
    return { spool: key.split('/')[2]!, upTo, ranges: rest, greets: true }
  }
}

function sumOf(rows: readonly [string, SummaryRow][]): number {
  return rows.reduce((sum, [, { count }]) => sum + count, 0)
}
