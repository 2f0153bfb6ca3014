import type {
  AnnotationQuery,
  BarGaugeDisplayMode,
  Dashboard,
  DataQuery,
  GraphFieldConfig,
  OptionsWithLegend,
  OptionsWithTimezones,
  OptionsWithTooltip,
  Panel,
  RowPanel,
  SingleStatBaseOptions,
  TableFieldOptions,
  VariableModel,
  VisibilityMode,
} from '@grafana/schema-9'
import type { VariableModel as LaterVariable } from '@grafana/schema-11'
import type { InfluxAnnotation, InfluxTarget } from './influx-schema.ts'
import type { Loose, PanelOf, Plain } from './plain.ts'

type Defaults = Panel['fieldConfig']['defaults']

/** 9.4 types a panel as it is in memory; what its own files leave out, it fills with defaults. */
type Base = Omit<
  Loose<Plain<Panel>, 'repeatDirection' | 'transformations' | 'transparent'>,
  'targets' | 'fieldConfig'
> & {
  targets?: (Plain<DataQuery> & InfluxTarget)[]
  fieldConfig: Omit<Plain<Panel['fieldConfig']>, 'defaults'> & {
    defaults: Omit<Plain<Defaults>, 'thresholds'> & {
      /** The first step has the value -Infinity, which is null in JSON; the type says so in a comment alone. */
      thresholds?: { mode: 'absolute' | 'percentage'; steps: { color: string; value: number | null }[] }
    }
  }
}

/** 9.4 has no types of the kinds of panels, but of the parts their options are made of. */
type Drawn =
  | PanelOf<
      Base,
      'timeseries',
      OptionsWithLegend & OptionsWithTooltip & Partial<OptionsWithTimezones>,
      GraphFieldConfig
    >
  | PanelOf<Base, 'stat', SingleStatBaseOptions & Record<string, unknown>, object>
  | PanelOf<
      Base,
      'bargauge',
      SingleStatBaseOptions & { displayMode: BarGaugeDisplayMode } & Record<string, unknown>,
      object
    >
  | PanelOf<Base, 'table', Record<string, unknown>, TableFieldOptions>
  | PanelOf<Base, 'status-history', OptionsWithLegend & { showValue: VisibilityMode } & Record<string, unknown>, object>

/** Its types hold what all variables share, in memory; what is in a file of each kind is typed by later versions alone. */
type Variable = Pick<Plain<VariableModel>, 'name' | 'type' | 'skipUrlSync'> &
  Partial<Pick<Plain<VariableModel>, 'label' | 'description' | 'datasource' | 'query' | 'hide'>> &
  Pick<
    Plain<LaterVariable>,
    'current' | 'multi' | 'includeAll' | 'allValue' | 'regex' | 'refresh' | 'sort' | 'options'
  > & {
    definition?: string
  }

/** A dashboard file as the types of Grafana 9.4 describe it; a file has no id, Grafana gives it one. */
export type DashboardFile = Omit<
  Loose<Plain<Dashboard>, 'revision' | 'style'>,
  'id' | 'panels' | 'annotations' | 'templating' | 'timepicker'
> & {
  id: null
  panels: (Drawn | Loose<Plain<RowPanel>, 'panels'>)[]
  annotations?: {
    list: (Omit<Loose<Plain<AnnotationQuery>, 'builtIn' | 'showIn' | 'type'>, 'target'> & {
      target: InfluxAnnotation
    })[]
  }
  templating: { list: Variable[] }
  timepicker: Partial<Plain<NonNullable<Dashboard['timepicker']>>>
}
