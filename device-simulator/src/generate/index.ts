import { pluginSet } from '@millrace/pipeline'
import { battery } from './battery.ts'
import { co2 } from './co2.ts'
import { door } from './door.ts'
import { energy } from './energy.ts'
import { host } from './host.ts'
import { humidity } from './humidity.ts'
import { light } from './light.ts'
import { power } from './power.ts'
import { pressure } from './pressure.ts'
import { temperature } from './temperature.ts'
import { vibration } from './vibration.ts'

/** Every type of sensor a fleet may have. */
export const sensors = pluginSet([
  temperature,
  humidity,
  pressure,
  co2,
  light,
  vibration,
  power,
  energy,
  battery,
  door,
  host,
])
