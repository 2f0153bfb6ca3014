export { createRunWriter, type RunWriter, readHostLines, readRuns } from './ledger.ts'
export { NumberSet, type Ranges } from './ranges.ts'
export type { DeviceProgress, FleetRun, HostLine, ReplayRun, Run } from './run-file.ts'
