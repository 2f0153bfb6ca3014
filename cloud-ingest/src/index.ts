export { configSchema, type IngestConfig } from './config.ts'
export { type Ingest, type IngestContext, startIngest } from './pipeline.ts'
