export { type Core, type CoreOptions, openCore } from './core/open-core.ts'
export * from './hub-error.ts'
export { makeToken, strictEncode, type TokenRequest } from './sas.ts'
export * from './types.ts'
