import type { MappingInput } from '../settings.ts'
import { gauge, ignored, type Preset, state, under } from './preset.ts'

const fahrenheit = { scale: 5 / 9, offset: -160 / 9 }

/** A temperature of any sensor, in °C whatever the device is set to. */
function temperature(member: string, name: string) {
  const at = `/*/${member}`
  return [
    { at, name, unit: '°C', ...fahrenheit, when: { at: '/TempUnit', is: 'F' } },
    { at, name, unit: '°C' },
  ]
}

function pressure(member: string, name: string) {
  const at = `/*/${member}`
  return [
    { at, name, unit: 'hPa', scale: 1.333224, when: { at: '/PressureUnit', is: 'mmHg' } },
    { at, name, unit: 'hPa', scale: 33.86389, when: { at: '/PressureUnit', is: 'inHg' } },
    { at, name, unit: 'hPa' },
  ]
}

/** Of a meter with one channel, and with several, whose values are arrays. */
function energy(member: string, name: string, rest: object) {
  return [
    { at: `/ENERGY/${member}`, name, ...rest },
    { at: `/ENERGY/${member}/*`, name: `${name}.{1}`, ...rest },
  ]
}

const wattHours = { unit: 'Wh', kind: 'counter', scale: 1000 } as const

const sensors: NonNullable<MappingInput['metrics']> = [
  ...energy('Power', 'power', { unit: 'W' }),
  ...energy('ApparentPower', 'apparent-power', { unit: 'VA' }),
  ...energy('ReactivePower', 'reactive-power', { unit: 'var' }),
  ...energy('Factor', 'power-factor', {}),
  ...energy('Frequency', 'frequency', { unit: 'Hz' }),
  ...energy('Voltage', 'voltage', { unit: 'V' }),
  ...energy('Current', 'current', { unit: 'A' }),
  ...energy('Total', 'energy', wattHours),
  ...energy('Today', 'energy-today', wattHours),
  ...energy('ExportActive', 'energy-exported', wattHours),
  ...temperature('Temperature', '{1}.temperature'),
  ...temperature('DewPoint', '{1}.dew-point'),
  gauge('/*/Humidity', '{1}.humidity', '%'),
  ...pressure('Pressure', '{1}.pressure'),
  ...pressure('SeaPressure', '{1}.sea-pressure'),
  gauge('/*/Illuminance', '{1}.light', 'lx'),
  gauge('/*/CarbonDioxide', '{1}.co2', 'ppm'),
  state('/Switch*', 'switch{1}'),
  { at: '/COUNTER/*', name: 'counter.{1}', kind: 'counter' },
  { at: '/**' },
]

/** https://tasmota.github.io/docs/MQTT/ */
export const tasmota: Preset = {
  name: 'tasmota',
  mappings({ root, zone }) {
    const time =
      zone === undefined ? {} : { time: { at: '/Time', format: 'local', zone, otherwise: 'arrival' } as const }
    return [
      {
        topic: under(root, 'tele/{device}/SENSOR'),
        ...time,
        skip: ['/ENERGY/Yesterday', '/ENERGY/Yesterday/*', '/ENERGY/Period', '/ENERGY/Period/*', '/*/Id'],
        metrics: sensors,
      },
      {
        topic: under(root, 'tele/{device}/STATE'),
        ...time,
        metrics: [
          state('/POWER*', 'POWER{1}'),
          gauge('/UptimeSec', 'uptime'),
          gauge('/Vcc', 'vcc', 'V'),
          gauge('/Heap', 'heap', 'KiB'),
          gauge('/LoadAvg', 'load-average', '%'),
          gauge('/Wifi/RSSI', 'wifi-quality', '%'),
          gauge('/Wifi/Signal', 'wifi-signal', 'dBm'),
        ],
      },
      ...['tele/{device}/#', 'stat/{device}/#', 'cmnd/#', 'tasmota/discovery/#'].map((topic) =>
        ignored(under(root, topic)),
      ),
    ]
  },
}
