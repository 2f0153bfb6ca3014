export * from './hub-error.ts'
export * from './types.ts'
