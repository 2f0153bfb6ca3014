interface Unit {
  symbol: string
  dimension: string
  /** Times this, plus `offset`, it is in the dimension's base unit. */
  scale: number
  offset: number
}

function unit(symbol: string, dimension: string, scale = 1): Unit {
  return { symbol, dimension, scale, offset: 0 }
}

/** Units of RFC 8428 and RFC 9100 that people know by another symbol, or that convert into others. */
const units: Readonly<Record<string, Unit>> = {
  Cel: { ...unit('°C', 'temperature'), offset: 273.15 },
  K: unit('K', 'temperature'),
  '/': unit('', 'ratio'),
  '%': unit('%', 'ratio', 0.01),
  '/100': unit('%', 'ratio', 0.01),
  '%RH': unit('%', 'ratio', 0.01),
  '%EL': unit('%', 'ratio', 0.01),
  '/1000': unit('‰', 'ratio', 0.001),
  ppm: unit('ppm', 'ratio', 1e-6),
  ppb: unit('ppb', 'ratio', 1e-9),
  Pa: unit('Pa', 'pressure'),
  hPa: unit('hPa', 'pressure', 100),
  J: unit('J', 'energy'),
  Wh: unit('Wh', 'energy', 3600),
  kWh: unit('kWh', 'energy', 3.6e6),
  W: unit('W', 'power'),
  kW: unit('kW', 'power', 1000),
  V: unit('V', 'voltage'),
  mV: unit('mV', 'voltage', 0.001),
  A: unit('A', 'current'),
  mA: unit('mA', 'current', 0.001),
  s: unit('s', 'time'),
  ms: unit('ms', 'time', 0.001),
  min: unit('min', 'time', 60),
  h: unit('h', 'time', 3600),
  m: unit('m', 'length'),
  mm: unit('mm', 'length', 0.001),
  cm: unit('cm', 'length', 0.01),
  km: unit('km', 'length', 1000),
  'm/s': unit('m/s', 'speed'),
  'mm/s': unit('mm/s', 'speed', 0.001),
  'km/h': unit('km/h', 'speed', 1 / 3.6),
  kg: unit('kg', 'mass'),
  g: unit('g', 'mass', 0.001),
  m3: unit('m³', 'volume'),
  l: unit('l', 'volume', 0.001),
  'ug/m3': unit('µg/m³', 'ug/m3'),
  m2: unit('m²', 'm2'),
  'm/s2': unit('m/s²', 'm/s2'),
  deg: unit('°', 'deg'),
}

const bySymbol = new Map(Object.values(units).map((known) => [known.symbol, known]))

/** A unit as SenML writes it, in the symbol shown to people. */
export function symbolOf(senml: string): string {
  return Object.hasOwn(units, senml) ? units[senml]!.symbol : senml
}

/** A value in another unit, both by symbol; undefined where they do not measure the same. */
export function convert(value: number, from: string, to: string): number | undefined {
  if (from === to) return value
  const source = bySymbol.get(from)
  const target = bySymbol.get(to)
  if (!source || source.dimension !== target?.dimension) return undefined
  // 12 digits hide what binary fractions add.
  return Number(((value * source.scale + source.offset - target.offset) / target.scale).toPrecision(12))
}

const metrics: Readonly<Record<string, string>> = {
  Cel: 'temperature',
  K: 'temperature',
  '%RH': 'humidity',
  '%EL': 'battery',
  Pa: 'pressure',
  hPa: 'pressure',
  lx: 'light',
  V: 'voltage',
  mV: 'voltage',
  A: 'current',
  W: 'power',
  kW: 'power',
  J: 'energy',
  Wh: 'energy',
  kWh: 'energy',
}

/** What a record measures whose name tells its device alone. */
export function metricOf(senml: string): string {
  return Object.hasOwn(metrics, senml) ? metrics[senml]! : 'value'
}
