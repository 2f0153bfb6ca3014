import { cloudTopic, type Receipt } from '@millrace/contracts'
import type { Logger } from '@millrace/pipeline'
import type { CloudLink } from '../cloud-link.ts'

interface Box {
  message: { topic: string; body: Buffer; retain: true; qos: 1 }
  sending: boolean
  fresh: boolean
}

/**
 * Publishes receipts, retained. They are cumulative, so of several for one spool only the newest need go out: at most
 * one is on its way, and the last one offered always follows.
 */
export class ReceiptBox {
  private readonly link: CloudLink
  private readonly log: Logger
  private readonly boxes = new Map<string, Box>()

  constructor(link: CloudLink, log: Logger) {
    this.link = link
    this.log = log
  }

  offer({ site, agent, receipt }: { site: string; agent: string; receipt: Receipt }): void {
    const topic = cloudTopic({ site, agent, kind: 'receipt' })
    // An answer is not replaced by what says less.
    const key = `${topic}/${receipt.spool}/${receipt.standing?.to ?? ''}`
    const message = { topic, body: Buffer.from(JSON.stringify(receipt)), retain: true, qos: 1 } as const
    const box = this.boxes.get(key) ?? { message, sending: false, fresh: true }
    Object.assign(box, { message, fresh: true })
    this.boxes.set(key, box)
    if (!box.sending) void this.send(key, box)
  }

  private async send(key: string, box: Box): Promise<void> {
    box.sending = true
    try {
      while (box.fresh) {
        box.fresh = false
        await this.link.publish(box.message)
      }
      this.boxes.delete(key)
    } catch (error) {
      this.log.debug({ error }, 'a receipt was not published; the next connection repeats it')
      this.boxes.delete(key)
    } finally {
      box.sending = false
    }
  }
}
