import * as common from '@grafana/grafana-foundation-sdk/common'
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { chosen, InfluxQl, inRange, interval, type Selection, select, tables } from '../influxql.ts'
import { bars, chart, colours, columns, list, number, steps, zeroOrWrong } from '../looks.ts'
import { type Section, startPage, withSections } from '../page.ts'
import { type Stage, type StageFact, stages } from '../stages.ts'
import { override } from '../units.ts'
import { sites, sourceVariable } from '../variables.ts'

/** The ingest writes these points every ten seconds. */
const pace = '10s'

const ofStage = ({ pattern }: Stage) => [`"stage" =~ /^${pattern}$/`, inRange]

/** Agents have a name and a site, the ingest has neither. */
const who = ({ pattern }: Stage) => (pattern.startsWith('agent-') ? ['site', 'agent'] : ['stage'])
const alias = ({ pattern }: Stage) => (pattern.startsWith('agent-') ? '$tag_site/$tag_agent' : '$tag_stage')

const overTime = (stage: Stage, fields: Selection['fields']) =>
  new InfluxQl({ fields, from: tables.pipeline, where: ofStage(stage), every: interval, by: who(stage), fill: 'none' })

function up(stage: Stage, description: string) {
  const query = { fields: { up: 'last("up")' }, from: tables.pipeline, where: ofStage(stage), by: who(stage) }
  const names = { '0': { text: 'down', index: 0 }, '1': { text: 'up', index: 1 } }
  return number('Up', `${description} Red: something is wrong; /readyz of the service says what.`)
    .withTarget(new InfluxQl(query).alias(alias(stage)))
    .mappings([{ type: 'value' as dashboard.MappingType.ValueToText, options: names }])
    .thresholds(
      steps([
        [colours.bad, null],
        [colours.good, 1],
      ]),
    )
    .noValue('no report')
    .colorMode(common.BigValueColorMode.Background)
}

type Draw = (stage: Stage, description: string) => timeseries.PanelBuilder

const draw: Record<Exclude<StageFact, 'up'>, Draw> = {
  rate: (stage, description) =>
    chart('Rate', description)
      .withTarget(overTime(stage, { rate: 'mean("perSecond")' }).alias(alias(stage)))
      .unit(`suffix: ${stage.passes}`)
      .min(0),
  errors: (stage, description) =>
    bars('Errors', `${description} New ones in each interval.`)
      .withTarget(overTime(stage, { errors: 'non_negative_difference(max("errors"))' }).alias(alias(stage)))
      .unit('short')
      .axisSoftMax(1)
      .colorScheme({ build: () => ({ mode: 'fixed' as dashboard.FieldColorModeId, fixedColor: colours.bad }) }),
  latency: (stage, description) =>
    chart('Latency', description)
      .withTarget(overTime(stage, { latency: 'max("latencyMs")' }).alias(alias(stage)))
      .unit('ms')
      .min(0),
  behind: (stage, description) =>
    chart('Waiting', description)
      .withTarget(overTime(stage, { behind: 'max("behind")' }).alias(alias(stage)))
      .unit('short')
      .min(0),
  spool: (stage, description) =>
    chart('Disk', description)
      .withTarget(
        overTime(stage, { bytes: 'max("bytes")', full: '100 * max("bytes") / max("maxBytes")' }).alias(
          `${alias(stage)} $col`,
        ),
      )
      .unit('bytes')
      .min(0)
      .overrides([
        override('byRegexp', '/ full$/', { unit: 'percent', min: 0, max: 100, 'custom.axisPlacement': 'right' }),
      ]),
}

const facts = ['rate', 'errors', 'latency', 'behind', 'spool'] as const

const upWidth = 3
const rowHeight = 6

/** Rates and errors on the left, latency and what waits on the right; together as wide as the page. */
function stageRow(stage: Stage): Section {
  const { up: whenUp, ...others } = stage.facts
  const reported = facts.filter((fact) => others[fact] !== undefined)
  const states = whenUp === undefined ? [] : [up(stage, whenUp).span(upWidth).height(rowHeight)]
  const width = 24 - states.length * upWidth
  const charts = reported.map((fact, index) => {
    const [from, to] = [index, index + 1].map((edge) => Math.round((width * edge) / reported.length))
    return draw[fact](stage, others[fact]!)
      .interval(pace)
      .span(to! - from!)
      .height(rowHeight)
  })
  return { title: stage.title, panels: [...states, ...charts] }
}

const accountTerms = ['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'invalid', 'dropped']
const accountsChosen = [chosen('site'), inRange]

const newestBySite = (fields: readonly string[]) =>
  select({
    fields: Object.fromEntries(fields.map((field) => [field, `last("${field}")`])),
    from: tables.accounts,
    where: accountsChosen,
    by: ['site'],
  })

function account(field: string, title: string, description: string) {
  return number(title, description)
    .withTarget(
      new InfluxQl({ fields: { [field]: `sum("${field}")` }, from: `(${newestBySite([field])})`, where: [] }).alias(
        field,
      ),
    )
    .noValue('no accounts in this range')
    .span(6)
    .height(5)
}

function accountNumbers() {
  return [
    account(
      'accepted',
      'Accepted',
      'Readings that the agents of the chosen sites took from devices since their spools were made.',
    ),
    account('closed', 'In closed windows', 'Readings in windows that closed; each is counted once.'),
    account(
      'unaccounted',
      'Unaccounted',
      'accepted - (closed + open + duplicate + too late + invalid + dropped): 0, or something is wrong.',
    ).thresholds(zeroOrWrong()),
    account(
      'mismatch',
      'Mismatch with the cloud',
      'Readings by which what agents sent differs from what the ingest holds and refused: 0, or something is wrong.',
    ).thresholds(zeroOrWrong()),
  ]
}

function accountTable() {
  const fields = [...accountTerms, 'unaccounted', 'sent', 'held', 'refused', 'mismatch', 'qos0']
  return list(
    'Accounts of each site',
    'Readings since the spools were made. accepted = closed + open + duplicate + tooLate + invalid + dropped; sent = held + refused once all messages are in; qos0 came without a promise.',
  )
    .withTarget(new InfluxQl(newestBySite(fields)).asTable())
    .withTransformation(columns('site', ...fields))
    .unit('locale')
    .overrides([
      override('byRegexp', '/^(unaccounted|mismatch)$/', {
        thresholds: zeroOrWrong().build(),
        'custom.cellOptions': { type: 'color-text' },
      }),
    ])
    .span(24)
    .height(7)
}

/** The growth of each site, then the sum of the sites: InfluxDB 1.x mixes up the other order when it fills gaps. */
function accountRates() {
  const terms = accountTerms.filter((term) => term !== 'open')
  const growth = (term: string) => [term, `non_negative_derivative(max("${term}"), 1s)`] as const
  const bySite = select({
    fields: Object.fromEntries(terms.map(growth)),
    from: tables.accounts,
    where: accountsChosen,
    every: interval,
    by: ['site'],
    fill: 'none',
  })
  const fields = Object.fromEntries(terms.map((term) => [term, `sum("${term}")`]))
  return chart(
    'Where readings go',
    'Readings a second by what became of them, over the chosen sites. Accounts travel with the summaries, so they move about once a minute.',
  )
    .withTarget(new InfluxQl({ fields, from: `(${bySite})`, every: interval, fill: 'none' }).alias('$col'))
    .interval(pace)
    .unit('suffix: readings/s')
    .min(0)
    .span(24)
    .height(8)
}

/** One row for each stage in flow order, then the accounts. */
export function pipeline(): dashboard.Dashboard {
  const page = startPage('pipeline', {
    title: 'pipeline',
    description: 'Every stage that readings pass, in flow order, and the accounts of all of them. Kept for a day.',
    from: 'now-30m',
    refresh: '10s',
    variables: [sourceVariable(), sites()],
  })
  return withSections(page, [
    { title: 'Accounts', panels: [...accountNumbers(), accountTable(), accountRates()] },
    ...stages.map(stageRow),
  ])
}
