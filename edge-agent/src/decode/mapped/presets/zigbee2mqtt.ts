import { gauge, ignored, type Preset, state } from './preset.ts'

/** https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html */
export const zigbee2mqtt: Preset = {
  name: 'zigbee2mqtt',
  mappings: ({ root = 'zigbee2mqtt' }) => [
    ignored(`${root}/bridge/#`),
    ignored(`${root}/{device...}/availability`),
    ...['set', 'get'].flatMap((verb) => [
      ignored(`${root}/{device...}/${verb}`),
      ignored(`${root}/{device...}/${verb}/{attribute}`),
    ]),
    {
      topic: `${root}/{device...}`,
      time: { at: '/last_seen', otherwise: 'arrival' },
      skip: ['/elapsed', '/update/**', '/device/**', '/update_available'],
      words: { open: 1, close: 0, closed: 0, lock: 1, unlock: 0 },
      metrics: [
        gauge('/illuminance_lux', 'light'),
        gauge('/illuminance', 'light'),
        // Battery devices tell millivolts, mains devices volts.
        { at: '/voltage', name: 'voltage', when: { at: '/battery' }, scale: 0.001 },
        { at: '/energy', name: 'energy', scale: 1000 },
        gauge('/current', 'current', 'A'),
        gauge('/power_factor', 'power-factor', ''),
        gauge('/ac_frequency', 'frequency', 'Hz'),
        gauge('/linkquality', 'linkquality', 'lqi'),
        gauge('/device_temperature', 'device-temperature', '°C'),
        gauge('/local_temperature', 'local-temperature', '°C'),
        gauge('/soil_moisture', 'soil-moisture', '%'),
        gauge('/pm25', 'pm25', 'µg/m³'),
        ...[
          'contact',
          'water_leak',
          'smoke',
          'gas',
          'vibration',
          'presence',
          'tamper',
          'battery_low',
          'state',
          'state_*',
        ].map((member) => state(`/${member}`, member === 'vibration' ? 'vibration-seen' : '{path}')),
        { at: '/**' },
      ],
    },
  ],
}
