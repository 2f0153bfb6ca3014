import type { MappingInput } from '../settings.ts'
import { gauge, ignored, type Preset, state, under } from './preset.ts'

const silent = [
  'cloud',
  'mqtt',
  'ble',
  'bthome',
  'ws',
  'eth',
  'matter',
  'knx',
  'modbus',
  'ht_ui',
  'plugs_ui',
  'script:{id}',
]

const components: NonNullable<MappingInput['metrics']> = [
  gauge('/apower', '{component}.power', 'W'),
  gauge('/voltage', '{component}.voltage', 'V'),
  gauge('/current', '{component}.current', 'A'),
  gauge('/pf', '{component}.power-factor', ''),
  gauge('/freq', '{component}.frequency', 'Hz'),
  { at: '/aenergy/total', name: '{component}.energy', unit: 'Wh', kind: 'counter' },
  { at: '/ret_aenergy/total', name: '{component}.energy-returned', unit: 'Wh', kind: 'counter' },
  gauge('/temperature/tC', '{component}.temperature', '°C'),
  gauge('/tC', '{component}.temperature', '°C'),
  gauge('/rh', '{component}.humidity', '%'),
  gauge('/lux', '{component}.light', 'lx'),
  gauge('/battery/V', 'battery-voltage', 'V'),
  gauge('/battery/percent', 'battery'),
  gauge('/*_act_power', '{component}.{1}_act_power', 'W'),
  gauge('/*_aprt_power', '{component}.{1}_aprt_power', 'VA'),
  gauge('/*_voltage', '{component}.{1}_voltage', 'V'),
  gauge('/*_current', '{component}.{1}_current', 'A'),
  ...['/*_act_energy', '/*_act', '/*_act_ret', '/*_act_ret_energy'].map((member) => {
    return { at: member, name: '{component}.{path}', unit: 'Wh', kind: 'counter' } as const
  }),
  state('/output', '{component}.output'),
  state('/state', '{component}.state', {
    open: 1,
    closed: 0,
    stopped: null,
    opening: null,
    closing: null,
    calibrating: null,
  }),
  { at: '/**', name: '{component}.{path}' },
]

/** https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt; the same topics for Gen3 and Gen4. */
export const shellyGen2: Preset = {
  name: 'shelly-gen2',
  mappings({ root }) {
    const at = (rest: string) => under(root, `{device}/${rest}`)
    return [
      ...[...silent.map((component) => `status/${component}`), 'events/rpc', 'online', 'rpc', 'debug/log'].map((rest) =>
        ignored(at(rest)),
      ),
      { topic: at('status/sys'), metrics: [gauge('/uptime', 'uptime')] },
      { topic: at('status/wifi'), metrics: [gauge('/rssi', 'wifi-signal', 'dBm')] },
      {
        topic: at('status/{component}'),
        skip: [
          '/id',
          '/aenergy/by_minute/*',
          '/ret_aenergy/by_minute/*',
          '/*/minute_ts',
          '/temperature/tF',
          '/tF',
          '/*_at',
          '/user_calibrated_phase/*',
        ],
        metrics: components,
      },
    ]
  },
}
