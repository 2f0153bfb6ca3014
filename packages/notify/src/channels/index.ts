import { pluginSet } from '@millrace/pipeline'
import type { Channel, ChannelContext } from '../types.ts'
import { logChannel } from './log.ts'

export const channels = pluginSet<ChannelContext, Channel>([logChannel])
