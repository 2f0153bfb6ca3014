import { definePlugin } from '@millrace/pipeline'
import { channelSettings } from '../settings.ts'
import type { Channel, ChannelContext, Notice } from '../types.ts'
import { titleOf } from '../wording.ts'

/** The service's own log: one line per notice, one per alert it lists. */
export const logChannel = definePlugin({
  type: 'log',
  settings: channelSettings,
  create(_settings, { log }: ChannelContext): Channel {
    return {
      tells: 'notices',
      send(notice: Notice): Promise<void> {
        log.warn({ channel: notice.channel, notice: notice.key }, titleOf(notice))
        for (const { kind, alert } of notice.items) {
          log.warn({ channel: notice.channel, kind, severity: alert.severity, alert: alert.id }, alert.message)
        }
        return Promise.resolve()
      },
      close: () => Promise.resolve(),
    }
  },
})
