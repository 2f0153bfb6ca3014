import { RejectedError } from '@millrace/pipeline'
import { type LogLine, recordingLogger, until } from '@millrace/pipeline/testing'
import { afterEach, expect, it } from 'vitest'
import { channels } from '../src/channels/index.ts'
import { sendWithin } from '../src/delivery.ts'
import { type Channel, NotDeliveredError, type Notice } from '../src/types.ts'
import { alertOf } from './alerts.ts'
import type { FarSide } from './far-side.ts'
import { noticeOf } from './notices.ts'

/** Why a channel need not do what the others must. */
export interface ChannelExemptions {
  /** The far side cannot refuse or ask to come again. */
  cannotRefuse?: string
  /** There is no far side that could be away. */
  neverAway?: string
}

const patienceMs = 400

/** What every channel must do, whatever it speaks. Exemptions carry their reason. */
export function testChannel(open: () => Promise<FarSide & { log?: LogLine[] }>, exempt: ChannelExemptions = {}): void {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function start() {
    const far = await open()
    cleanups.push(() => far.close())
    const log = recordingLogger()
    const settings = channels.schema.parse({ name: 'ops', ...far.settings })
    const context = { name: 'ops', evaluator: 'ingest', log, stateAgain: () => undefined }
    const channel = await channels.create(settings, context)
    cleanups.push(() => channel.close())
    if (far.log)
      Object.defineProperty(far, 'received', { get: () => log.lines.map((line) => ({ text: JSON.stringify(line) })) })
    return { far, channel, log }
  }

  const never = new AbortController().signal
  const send = (channel: Channel, notice: Notice, ms = 10_000) => sendWithin(channel, notice, { ms, signal: never })
  const failure = async (channel: Channel, notice: Notice, ms = 10_000): Promise<Error> => {
    try {
      await send(channel, notice, ms)
    } catch (error) {
      return error as Error
    }
    throw new Error('it was delivered')
  }
  const withoutSecrets = (far: FarSide, error: Error, lines: LogLine[]) => {
    const shown = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)} ${JSON.stringify(lines)}`
    for (const secret of far.secrets) expect(shown).not.toContain(secret)
  }
  const texts = (far: FarSide) => far.received.map(({ text }) => text).join('\n')

  it('delivers what a notice says', async () => {
    const { far, channel } = await start()
    const alerts = [
      alertOf({ device: 'north', message: 'north is warm' }),
      alertOf({ device: 'south', message: 'south is warm' }),
    ]
    await send(channel, noticeOf('k.ops.1', alerts))
    await until(() => texts(far).includes('north is warm') && texts(far).includes('south is warm'), {
      label: 'both alerts',
    })
  })

  it('carries a key that is the same at a repeat and different for another notice', async () => {
    const { far, channel } = await start()
    const [first, second] = [alertOf({ device: 'north' }), alertOf({ device: 'south' })]
    for (const [key, alert] of [
      ['k.ops.1', first],
      ['k.ops.1', first],
      ['k.ops.2', second],
    ] as const) {
      await send(channel, noticeOf(key, [alert]))
    }
    const key = ({ text }: { text: string }) => /k\.ops\.\d|[\w./-]+\/\d+#\d+/.exec(text)?.[0]
    await until(() => new Set(far.received.map(key).filter(Boolean)).size === 2, { label: 'two keys' })
    const [one, again, other] = far.received.map(key).filter((found) => found !== undefined)
    if (exempt.neverAway === undefined) expect([one === again, one === other]).toEqual([true, false])
  })

  it('carries names and messages that look like markup, and breaks on none', async () => {
    const { far, channel } = await start()
    const message = '<b>&amp; <!channel> [x](http://x) "quoted" %s `z`\r\nBcc: x@example.org'
    await send(channel, noticeOf('k.ops.1', [alertOf({ message })]))
    await until(() => far.received.length > 0, { label: 'the notice' })
    for (const { text } of far.received) expect(text.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/m)
  })

  if (exempt.cannotRefuse === undefined) {
    it('says what was refused for good, and why', async () => {
      const { far, channel, log } = await start()
      await far.behave('refuses')
      const error = await failure(channel, noticeOf('k.ops.1'))
      expect(error).toBeInstanceOf(RejectedError)
      expect(error.message).toMatch(/\b(400|550)\b|no such mailbox/)
      withoutSecrets(far, error, log.lines)
    })

    it('keeps for later what the far side cannot take now', async () => {
      const { far, channel, log } = await start()
      await far.behave('is busy')
      const error = await failure(channel, noticeOf('k.ops.1'))
      expect(error).toBeInstanceOf(NotDeliveredError)
      withoutSecrets(far, error, log.lines)
      await far.behave('takes')
      await send(channel, noticeOf('k.ops.1'))
      expect(far.received).toHaveLength(1)
    })
  }

  if (exempt.neverAway === undefined) {
    it('gives up on a far side that does not answer, as one that may have it', async () => {
      const { far, channel, log } = await start()
      await far.behave('hangs')
      const error = await failure(channel, noticeOf('k.ops.1'), patienceMs)
      expect(error).not.toBeInstanceOf(RejectedError)
      withoutSecrets(far, error, log.lines)
    })

    it('knows that nothing arrived where nobody listens, and delivers when somebody does again', async () => {
      const { far, channel, log } = await start()
      await far.down()
      const error = await failure(channel, noticeOf('k.ops.1'), patienceMs)
      expect(error).toBeInstanceOf(NotDeliveredError)
      withoutSecrets(far, error, log.lines)
      await far.up()
      await send(channel, noticeOf('k.ops.1'))
      await until(() => far.received.length > 0, { label: 'the notice' })
    })
  }

  it('closes unused, and twice', async () => {
    const { channel } = await start()
    await channel.close()
    await channel.close()
  })
}
