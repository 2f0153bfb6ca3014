import { readFileSync } from 'node:fs'
import { clockStates } from '@millrace/contracts'
import { parseConfig } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { agentConfigSchema } from '../config.ts'
import { clockPolicies } from './index.ts'

const page = readFileSync(new URL('../../../docs/clock.md', import.meta.url), 'utf8')
const least = `
agent: pi-1
site: lab
dataDir: ./data/agent
collect: { type: broker }
uplink: { type: mqtt, url: mqtt://127.0.0.1:1884 }
`

it('docs/clock.md shows a config that is taken as it stands, with the thresholds that hold without it', () => {
  const shown = /```yaml\n([^`]*)```/.exec(page)![1]!
  const { devices } = parseConfig(least + shown, agentConfigSchema, 'clock.md').clock
  expect(devices.sites).toHaveLength(2)
  expect({ ...devices, sites: [] }).toEqual(parseConfig(least, agentConfigSchema, 'least').clock.devices)
})

it('docs/clock.md explains every state and every policy', () => {
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)
  expect(explained).toEqual([...clockStates, ...clockPolicies])
})
