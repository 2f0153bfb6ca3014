import { definePlugin, type Message, RejectedError, UsageError } from '@millrace/pipeline'
import { createMqttLink, type MqttAddress, mqttSettings, readMqttAddress } from '@millrace/transports'
import { z } from 'zod'
import { channelSettings } from '../settings.ts'
import { type Channel, type ChannelContext, NotDeliveredError, type NoticeItem } from '../types.ts'

const defaultTopic = 'millrace/v1/{site}/alerts/{rule}/{device}/{metric}'
const maxTopicBytes = 256
const places = ['site', 'rule', 'device', 'metric'] as const

function isTopic(template: string): boolean {
  const named = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  const rest = template.replaceAll(/\{\w+\}/g, '')
  return (
    named.every((name) => places.some((place) => place === name)) && /^[^+#{}\s]+$/.test(rest) && !/^[/$]/.test(rest)
  )
}

const settings = channelSettings.extend({
  ...mqttSettings.shape,
  /** Absent: the broker of this service itself, where it has one. */
  url: mqttSettings.shape.url.optional(),
  /** Where each state is kept; without `{metric}` several metrics of a device share one. */
  topic: z
    .string()
    .max(128)
    .refine(isTopic, `a topic with {${places.join('}, {')}} and without + or #`)
    .default(defaultTopic),
})

/** What an actuator reads: `state` is `active` or `cleared`, whatever the reason. */
export function stateMessage({ alert, key }: NoticeItem, template: string): Message {
  const filled = { site: alert.site, rule: alert.rule, device: alert.device ?? '-', metric: alert.metric ?? '-' }
  const topic = template.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof filled) => filled[name])
  const state = alert.state === 'active' ? 'active' : 'cleared'
  return { topic, body: Buffer.from(JSON.stringify({ v: 1, state, key, alert })), retain: true, qos: 1 }
}

/** A broker would end the connection for such a topic, again at every try. */
function tooLong(topics: readonly string[]): RejectedError {
  const message = `topics of more than ${maxTopicBytes} bytes: ${topics.slice(0, 3).join(', ')}`
  return new RejectedError(message, new Map(topics.map((topic, index) => [index, topic])))
}

interface Way {
  publish(message: Message, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** A link of its own; what its broker forgot while they were apart is stated again. */
function linkWay(address: MqttAddress, { name, evaluator, log, stateAgain }: ChannelContext): Way {
  const link = createMqttLink({ ...address, clientId: `millrace-${evaluator}-notify-${name}`, log })
  let started = false
  let connections = 0
  link.onConnect(() => {
    connections += 1
    if (connections > 1) stateAgain()
  })
  return {
    async publish(message, signal) {
      if (!started) await link.start()
      started = true
      try {
        await link.publish(message, signal)
      } catch (error) {
        if (link.connected) throw error
        throw new NotDeliveredError(`the broker ${address.url} is not reached (${link.lastError ?? 'no connection'})`)
      }
    },
    stop: () => link.stop(),
  }
}

function ownWay({ name, publish }: ChannelContext): Way {
  if (!publish) {
    const problem = { path: `notify.channels.${name}.url`, found: 'nothing', expected: 'the URL of a broker' }
    throw new UsageError('this service has no broker of its own', [problem])
  }
  return {
    async publish(message) {
      try {
        await publish(message)
      } catch (error) {
        throw new NotDeliveredError(`this service's broker: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
    stop: () => Promise.resolve(),
  }
}

/** For actuators: the state of each alert's subject, retained, told again at every start and reconnect. */
export const mqttChannel = definePlugin({
  type: 'mqtt',
  settings,
  create({ url, topic, ...chosen }, context: ChannelContext): Channel {
    const way = url === undefined ? ownWay(context) : linkWay(readMqttAddress({ url, ...chosen }), context)
    return {
      tells: 'states',
      async send(notice, signal) {
        const messages = notice.items.map((item) => stateMessage(item, topic))
        const fitting = messages.filter((message) => Buffer.byteLength(message.topic) <= maxTopicBytes)
        await Promise.all(fitting.map((message) => way.publish(message, signal)))
        if (fitting.length === messages.length) return
        throw tooLong(messages.filter((message) => !fitting.includes(message)).map((message) => message.topic))
      },
      close: () => way.stop(),
    }
  },
})
