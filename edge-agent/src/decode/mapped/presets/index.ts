import { esphome } from './esphome.ts'
import { homeAssistantStatestream } from './home-assistant-statestream.ts'
import type { Preset } from './preset.ts'
import { shellyGen1 } from './shelly-gen1.ts'
import { shellyGen2 } from './shelly-gen2.ts'
import { tasmota } from './tasmota.ts'
import { theThingsStack } from './the-things-stack.ts'
import { zigbee2mqtt } from './zigbee2mqtt.ts'

/**
 * Every family of devices whose topics and payloads are built in. Those that begin with a device's name stand last:
 * where all are in use, the first that wants a topic gets it.
 */
export const presets: readonly Preset[] = [
  zigbee2mqtt,
  tasmota,
  shellyGen1,
  homeAssistantStatestream,
  theThingsStack,
  esphome,
  shellyGen2,
]

export const presetNames = presets.map(({ name }) => name)
