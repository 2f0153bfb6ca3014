import { maxReadingsPerMessage } from '@millrace/contracts'
import type { DevicePlan } from './device.ts'
import { type DeviceMessage, encodeText, messageOf, topicOf } from './device-message.ts'
import type { DeviceStream } from './perturb/index.ts'
import type { Progress, Totals } from './progress.ts'
import type { Feed, Outgoing } from './publish/index.ts'
import type { Send } from './send.ts'

/** A device this far behind sends what it has missed in arrays; so history goes at full speed. */
const behindMs = 10_000
const maxObjects = 100

interface DeviceFeedParts {
  plan: DevicePlan
  stream: DeviceStream
  progress: Progress
  totals: Totals
}

/** The messages of a simulated device. */
export function createDeviceFeed({ plan, stream, progress, totals }: DeviceFeedParts): Feed {
  const topic = topicOf(plan)
  const outgoing = (body: Uint8Array, sends: Send[]): Outgoing => {
    totals.sent += sends.length
    for (const send of sends) progress.issued(send)
    return {
      message: { topic, body },
      settled(acknowledged) {
        if (!acknowledged) return
        totals.acked += sends.length
        progress.acked(sends)
      },
    }
  }
  return {
    nextMs: () => stream.peek().sendMs,
    take(nowMs) {
      const send = stream.next()
      const message = messageOf(plan, send)
      if (message.text === null) return outgoing(message.body(), [send])
      if (nowMs - send.sendMs < behindMs) return outgoing(message.body(), [send])
      return array({ send, message }, nowMs)
    },
  }

  function array(first: { send: Send; message: DeviceMessage }, nowMs: number): Outgoing {
    const sends = [first.send]
    let text = first.message.text!
    let readings = first.message.readings.length
    const readingsEach = plan.sensors.reduce((sum, { sensor }) => sum + sensor.metrics.length, 0)
    const fits = (send: Send) =>
      send.sendMs <= nowMs &&
      send.harm === null &&
      sends.length < maxObjects &&
      readings + readingsEach <= maxReadingsPerMessage
    while (fits(stream.peek())) {
      const send = stream.next()
      const message = messageOf(plan, send)
      sends.push(send)
      text += `,${message.text}`
      readings += message.readings.length
    }
    return outgoing(encodeText(sends.length === 1 ? text : `[${text}]`), sends)
  }
}
