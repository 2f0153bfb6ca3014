import { gauge, ignored, type Preset } from './preset.ts'

/** https://www.thethingsindustries.com/docs/integrations/other-integrations/mqtt/ */
export const theThingsStack: Preset = {
  name: 'the-things-stack',
  mappings: ({ root = 'v3' }) => [
    {
      topic: `${root}/{application}/devices/{device}/up`,
      time: { at: '/received_at', format: 'iso', otherwise: 'arrival' },
      metrics: [
        { at: '/uplink_message/decoded_payload/**', name: '{1}' },
        gauge('/uplink_message/rx_metadata/0/rssi', 'rssi', 'dBm'),
        gauge('/uplink_message/rx_metadata/0/snr', 'snr', 'dB'),
      ],
    },
    ignored(`${root}/{application}/devices/{device}/#`),
    ignored(`${root}/{application}/#`),
  ],
}
