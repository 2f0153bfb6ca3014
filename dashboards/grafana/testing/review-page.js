const gridX = 60
const gridY = 34
const palette = [
  '#73bf69',
  '#f2cc0c',
  '#5794f2',
  '#ff780a',
  '#b877d9',
  '#e02f44',
  '#37872d',
  '#fade2a',
  '#1f60c4',
  '#fa6400',
]

function matches(matcher, name) {
  if (matcher.id === 'byName') return matcher.options === name
  const [, source, flags] = /^\/(.*)\/(\w*)$/.exec(matcher.options) ?? []
  return source !== undefined && new RegExp(source, flags).test(name)
}

/** Settings of one field: the panel's defaults, then the overrides whose matcher fits its name. */
function lookOf(panel, name) {
  const look = { ...panel.fieldConfig.defaults }
  for (const [key, value] of Object.entries(look.custom ?? {})) look[`custom.${key}`] = value
  for (const { matcher, properties } of panel.fieldConfig.overrides) {
    if (matches(matcher, name)) for (const { id, value } of properties) look[id] = value
  }
  return look
}

function colourOf({ thresholds }, value) {
  const step = (thresholds?.steps ?? []).findLast(({ value: from }) => from === null || value >= from)
  return step === undefined || step.color === 'text' || step.color === 'transparent' ? '#222' : step.color
}

const suffixes = {
  celsius: ' °C',
  percent: ' %',
  watt: ' W',
  watth: ' Wh',
  ms: ' ms',
  s: ' s',
  bytes: ' B',
  volt: ' V',
  lux: ' lx',
  pressurehpa: ' hPa',
  ppm: ' ppm',
}

function show(value, { unit = '', decimals, mappings = [] }) {
  if (typeof value !== 'number') return String(value ?? '–')
  for (const { options } of mappings) if (options[value]) return options[value].text
  if (unit === 'dateTimeFromNow') return `${Math.round((Date.now() - value) / 1000)} s ago`
  if (unit === 'dateTimeAsLocal') return new Date(value).toISOString().slice(11, 19)
  return (
    value.toLocaleString('en', { maximumFractionDigits: decimals ?? 2 }) +
    (suffixes[unit] ?? unit.replace('suffix: ', ' ').replace(/^(short|none|locale)$/, ''))
  )
}

function element(parent, tag, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes)
  parent.append(made)
  return made
}

/** One list of points for each column of each group. */
function curves(panel) {
  return panel.answers.flatMap(({ series }) =>
    series.flatMap(({ values, names }) =>
      names.slice(1).map((name, index) => ({ name, points: values.map((row) => [row[0] / 1000, row[index + 1]]) })),
    ),
  )
}

function drawChart(panel, box, size) {
  const all = curves(panel)
  const times = [...new Set(all.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b)
  const rows = all.map(({ points }) => {
    const byTime = new Map(points)
    return times.map((time) => (byTime.has(time) ? byTime.get(time) : undefined))
  })
  const looks = all.map(({ name }) => lookOf(panel, name))
  const series = all.map(({ name }, index) => {
    const look = looks[index]
    const colour = look.color?.mode === 'fixed' ? look.color.fixedColor : palette[index % palette.length]
    const dots = look['custom.drawStyle'] === 'points'
    const bars = look['custom.drawStyle'] === 'bars'
    const paths = dots ? () => null : bars ? uPlot.paths.bars({ size: [0.8] }) : uPlot.paths.stepped({ align: 1 })
    const fill = bars || look['custom.fillOpacity'] > 0 ? `${colour}44` : undefined
    return {
      label: name,
      stroke: colour,
      paths,
      width: look['custom.lineWidth'] ?? 1,
      points: { show: dots, size: 4, fill: colour },
      ...(bars && { fill }),
    }
  })
  const bands = looks.flatMap((look, index) => {
    const below = all.findIndex(({ name }) => name === look['custom.fillBelowTo'])
    return below < 0 ? [] : [{ series: [index + 1, below + 1], fill: `${series[index].stroke}33` }]
  })
  const unit = looks[0] ?? {}
  const axes = [{}, { size: 100, values: (_, ticks) => ticks.map((tick) => show(tick, unit)) }]
  const scales = { x: { min: panel.fromMs / 1000, max: panel.toMs / 1000 } }
  const options = {
    ...size,
    axes,
    scales,
    series: [{}, ...series],
    bands,
    legend: { show: all.length < 9, live: false },
  }
  new uPlot(options, [times, ...rows], box)
}

function drawNothing({ fieldConfig }, box) {
  element(box, 'span', { className: 'number', textContent: fieldConfig.defaults.noValue ?? 'No data' })
}

function drawNumber(panel, box) {
  const [calc] = panel.options.reduceOptions.calcs
  const found = curves(panel)
  for (const { name, points } of found) {
    const values = points.map(([, value]) => value).filter((value) => value !== null)
    const value = calc === 'sum' ? values.reduce((sum, one) => sum + one, 0) : values.at(-1)
    const look = lookOf(panel, name)
    const shown = element(box, 'span', { className: 'number', textContent: show(value, look) })
    shown.style.color = colourOf(look, value)
    element(shown, 'small', { textContent: name })
  }
  if (found.length === 0) drawNothing(panel, box)
}

function records(panel) {
  return panel.answers.flatMap(({ series }) =>
    series.flatMap(({ tags = {}, columns, values }) =>
      values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((column, index) => [column, row[index]])) })),
    ),
  )
}

function drawTable(panel, box) {
  const rows = records(panel)
  const hidden = panel.transformations?.some(({ options }) => options.excludeByName?.Time)
  const order = panel.transformations?.[0]?.options.indexByName ?? {}
  const rank = (name) => order[name] ?? Number.MAX_SAFE_INTEGER
  const names = Object.keys(rows[0] ?? {})
    .filter((name) => !(hidden && name === 'time'))
    .sort((a, b) => rank(a) - rank(b))
  for (const { displayName, desc } of panel.options.sortBy ?? [])
    rows.sort((a, b) => (desc ? b[displayName] - a[displayName] : a[displayName] - b[displayName]))
  const table = element(box, 'table')
  const heading = element(table, 'tr')
  for (const name of names) element(heading, 'th', { textContent: name })
  for (const row of rows.slice(0, 14)) {
    const line = element(table, 'tr')
    for (const name of names) {
      const look = lookOf(panel, name)
      const text = name === 'time' ? new Date(row[name]).toISOString().slice(11, 19) : show(row[name], look)
      element(line, 'td', { textContent: text }).style.color =
        typeof row[name] === 'number' ? colourOf(look, row[name]) : '#222'
    }
  }
  if (rows.length === 0) drawNothing(panel, box)
}

function drawBars(panel, box) {
  const rows = records(panel)
  const [metric] = Object.keys(rows[0] ?? {}).filter((name) => !['time', 'site', 'device'].includes(name))
  const most = Math.max(...rows.map((row) => Math.abs(row[metric])))
  for (const row of rows) {
    const line = element(box, 'div', { className: 'bar' })
    element(line, 'b', { textContent: `${row.site} ${row.device}` })
    element(line, 'i').style.width = `${(Math.abs(row[metric]) / most) * 300}px`
    element(line, 'span', { textContent: show(row[metric], lookOf(panel, metric)) })
  }
}

function drawCells(panel, box) {
  const all = curves(panel)
  const times = [...new Set(all.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b)
  for (const { name, points } of all) {
    const byTime = new Map(points)
    const line = element(box, 'div', { className: 'cells' })
    element(line, 'b', { textContent: name })
    for (const time of times) {
      const value = byTime.get(time)
      element(line, 'i').style.background = value === undefined ? '#fff' : colourOf(lookOf(panel, name), value)
    }
  }
}

const kinds = {
  timeseries: drawChart,
  stat: drawNumber,
  table: drawTable,
  bargauge: drawBars,
  'status-history': drawCells,
}

function drawAll(panels) {
  let bottom = 0
  for (const panel of panels) {
    const { x, y, w, h } = panel.gridPos
    const box = element(document.body, 'div', { className: `panel ${panel.type}`, textContent: panel.title })
    Object.assign(box.style, {
      left: `${x * gridX}px`,
      top: `${y * gridY}px`,
      width: `${w * gridX - 4}px`,
      height: `${h * gridY - 4}px`,
    })
    const legend = curves({ answers: panel.answers }).length < 9 ? 70 : 30
    kinds[panel.type]?.(panel, element(box, 'div'), { width: w * gridX - 20, height: h * gridY - legend - 20 })
    bottom = Math.max(bottom, y + h)
  }
  document.body.style.height = `${bottom * gridY}px`
}
globalThis.drawAll = drawAll
