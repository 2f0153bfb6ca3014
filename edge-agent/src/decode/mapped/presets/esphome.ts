import { ignored, type Preset, under } from './preset.ts'

/** https://esphome.io/components/mqtt.html */
export const esphome: Preset = {
  name: 'esphome',
  mappings({ root }) {
    const at = (rest: string) => under(root, `{device}/${rest}`)
    const on = (component: string, kind: 'gauge' | 'state') => ({
      topic: at(`${component}/{metric}/state`),
      payload: 'text' as const,
      words: { nan: null, open: 1, closed: 0 },
      metrics: [kind === 'gauge' ? { at: '', name: '{metric}' } : { at: '', name: '{metric}', kind }],
    })
    return [
      on('sensor', 'gauge'),
      on('number', 'gauge'),
      on('binary_sensor', 'state'),
      on('switch', 'state'),
      ...['text_sensor/{metric}/state', '{component}/{metric}/command', 'status', 'debug'].map((rest) =>
        ignored(at(rest)),
      ),
    ]
  },
}
