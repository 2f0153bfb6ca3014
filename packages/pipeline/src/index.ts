export * from './clock.ts'
export * from './plugin.ts'
export * from './stages.ts'
