export type { TransportContext } from './context.ts'
export * from './memory/index.ts'
export * from './mqtt/index.ts'
