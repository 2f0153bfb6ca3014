import { pluginSet } from '@millrace/pipeline'
import type { Store } from '../stored.ts'
import type { StoreContext } from './context.ts'
import { duckdbStore } from './duckdb.ts'
import { influxdbStore } from './influxdb.ts'

export const stores = pluginSet<StoreContext, Store>([duckdbStore, influxdbStore])
