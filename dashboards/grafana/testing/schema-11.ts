import type { AnnotationQuery, Dashboard, DataQuery, Panel, RowPanel, VariableModel } from '@grafana/schema-11'
import type * as bargauge from '@grafana/schema-11/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.d.ts'
import type * as stat from '@grafana/schema-11/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts'
import type * as statushistory from '@grafana/schema-11/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen.d.ts'
import type * as table from '@grafana/schema-11/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts'
import type * as timeseries from '@grafana/schema-11/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts'
import type { InfluxAnnotation, InfluxTarget } from './influx-schema.ts'
import type { Loose, PanelOf, Plain } from './plain.ts'

type Base = Omit<Plain<Panel>, 'targets'> & { targets?: (Plain<DataQuery> & InfluxTarget)[] }

type Drawn =
  | PanelOf<Base, 'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<Base, 'stat', stat.Options, object>
  | PanelOf<Base, 'bargauge', bargauge.Options, object>
  | PanelOf<Base, 'table', table.Options, table.FieldConfig>
  | PanelOf<Base, 'status-history', statushistory.Options, statushistory.FieldConfig>

/** A dashboard file as the types of Grafana 11 describe it; a file has no id, Grafana gives it one. */
export type DashboardFile = Omit<Plain<Dashboard>, 'id' | 'panels' | 'annotations' | 'templating'> & {
  id: null
  panels: (Drawn | Loose<Plain<RowPanel>, 'panels'>)[]
  annotations?: { list: (Omit<Plain<AnnotationQuery>, 'target'> & { target: InfluxAnnotation })[] }
  templating: { list: Plain<VariableModel>[] }
}
