import { ignored, type Preset } from './preset.ts'

/** https://www.home-assistant.io/integrations/mqtt_statestream/ */
export const homeAssistantStatestream: Preset = {
  name: 'home-assistant-statestream',
  mappings: ({ root = 'homeassistant' }) => [
    // Discovery shares the prefix in most installations.
    ignored(`${root}/{domain}/{entity}/config`),
    ignored(`${root}/{domain}/{node}/{entity}/config`),
    ignored(`${root}/status`),
    {
      topic: `${root}/{domain}/{entity}/{attribute}`,
      device: '{domain}.{entity}',
      payload: 'text',
      words: {
        open: 1,
        closed: 0,
        home: 1,
        not_home: 0,
        locked: 1,
        unlocked: 0,
        unavailable: null,
        unknown: null,
        none: null,
      },
      // Texts such as units, names and times are on topics of their own.
      metrics: [{ at: '', name: '{attribute}', otherwise: 'ignore' }],
    },
  ],
}
