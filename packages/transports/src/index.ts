export type { TransportContext } from './context.ts'
export * from './mqtt/index.ts'
