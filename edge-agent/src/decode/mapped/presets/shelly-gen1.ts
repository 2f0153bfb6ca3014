import type { MappingInput } from '../settings.ts'
import { ignored, type Preset } from './preset.ts'

type MetricInput = NonNullable<MappingInput['metrics']>[number]

/** One value in plain text on a topic of its own. */
function value(topic: string, metric: Omit<MetricInput, 'at'>): MappingInput {
  return { topic, payload: 'text', metrics: [{ at: '', ...metric }] }
}

const wattHours = { unit: 'Wh', kind: 'counter' } as const
const states = { kind: 'state', words: { open: 1, close: 0, stop: 0, overpower: 0, unknown: null } } as const

/** https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support */
export const shellyGen1: Preset = {
  name: 'shelly-gen1',
  mappings({ root = 'shellies' }) {
    const at = (rest: string) => `${root}/{device}/${rest}`
    return [
      value(at('relay/{channel}'), { name: 'relay.{channel}', ...states }),
      ...['relay', 'light', 'roller'].flatMap((part) => [
        value(at(`${part}/{channel}/power`), { name: 'power.{channel}', unit: 'W' }),
        // Told in watt-minutes.
        value(at(`${part}/{channel}/energy`), { name: 'energy.{channel}', ...wattHours, scale: 1 / 60 }),
      ]),
      value(at('light/{channel}'), { name: 'light.{channel}', ...states }),
      value(at('roller/{channel}/pos'), { name: 'position.{channel}', unit: '%' }),
      value(at('emeter/{channel}/power'), { name: 'power.{channel}', unit: 'W' }),
      value(at('emeter/{channel}/reactive_power'), { name: 'reactive-power.{channel}', unit: 'var' }),
      value(at('emeter/{channel}/voltage'), { name: 'voltage.{channel}', unit: 'V' }),
      value(at('emeter/{channel}/current'), { name: 'current.{channel}', unit: 'A' }),
      value(at('emeter/{channel}/pf'), { name: 'power-factor.{channel}' }),
      value(at('emeter/{channel}/total'), { name: 'energy.{channel}', ...wattHours }),
      value(at('emeter/{channel}/total_returned'), { name: 'energy-returned.{channel}', ...wattHours }),
      value(at('input/{channel}'), { name: 'input.{channel}', kind: 'state' }),
      value(at('adc/{channel}'), { name: 'adc.{channel}', unit: 'V' }),
      value(at('temperature'), { name: 'device-temperature', unit: '°C' }),
      value(at('overtemperature'), { name: 'over-temperature', kind: 'state' }),
      value(at('voltage'), { name: 'voltage' }),
      value(at('ext_temperature/{channel}'), { name: 'temperature.{channel}', unit: '°C' }),
      value(at('ext_humidity/{channel}'), { name: 'humidity.{channel}', unit: '%' }),
      value(at('sensor/state'), { name: 'door', ...states }),
      value(at('sensor/lux'), { name: 'light' }),
      value(at('sensor/tilt'), { name: 'tilt', unit: '°' }),
      value(at('sensor/{metric}'), { name: '{metric}', otherwise: 'ignore' }),
      ignored(`${root}/#`),
    ]
  },
}
