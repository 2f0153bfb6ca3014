export { channels } from './channels/index.ts'
export { type NotifyConfig, newSilenceSchema, notifySchema } from './config.ts'
export * from './types.ts'
