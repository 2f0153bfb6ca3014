export { AgentSpool, reserveOf, type SpoolState } from './agent-spool.ts'
export { CommitLoop, type Intake } from './commit-loop.ts'
export { openUplinkStore, type UplinkStore } from './uplink-state.ts'
