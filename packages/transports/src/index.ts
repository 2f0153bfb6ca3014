export type { TransportContext } from './context.ts'
export * from './iot-hub/index.ts'
export * from './memory/index.ts'
export * from './mqtt/index.ts'
