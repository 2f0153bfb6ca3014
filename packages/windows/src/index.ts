export * from './keeper-types.ts'
export * from './signatures.ts'
export * from './types.ts'
