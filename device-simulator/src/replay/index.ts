export { mapSchema, type RecordingMap } from './map.ts'
export { createPacker, type Parcel } from './parcels.ts'
export { emptyReport, hashFile, newestMs, type ReadReport, readRecording } from './recording.ts'
export { recountReplays, sameReplay } from './recount-replays.ts'
