export { createMemoryTransport, type MemoryTransport } from './memory.ts'
