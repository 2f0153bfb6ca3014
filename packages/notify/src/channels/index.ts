import { pluginSet } from '@millrace/pipeline'
import type { Channel, ChannelContext } from '../types.ts'
import { emailChannel } from './email.ts'
import { logChannel } from './log.ts'
import { mqttChannel } from './mqtt.ts'
import { slackChannel } from './slack.ts'
import { teamsChannel } from './teams.ts'
import { webhookChannel } from './webhook.ts'

export const channels = pluginSet<ChannelContext, Channel>([
  logChannel,
  mqttChannel,
  webhookChannel,
  emailChannel,
  slackChannel,
  teamsChannel,
])
