export { Provisional } from './provisional.ts'
export { Reports } from './reports.ts'
export { type CheckpointRequest, Rollup } from './rollup.ts'
export { setAsideInput } from './set-aside.ts'
