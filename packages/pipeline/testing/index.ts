export * from './recording-logger.ts'
export * from './transport-contract.ts'
export * from './until.ts'
export * from './watched.ts'
