import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Message } from '@azure/iot-device'
import { describe, expect, it } from 'vitest'
import { eventsOf, newHubFolder, sdkClient, startHub, textOf } from '../../testing/index.ts'
import type { LocalHub } from '../index.ts'
import { deriveKey } from '../sas.ts'

const script = fileURLToPath(new URL('../../testing/provision.ts', import.meta.url))

interface Registration {
  error?: string
  assignedHub?: string
  deviceId?: string
}

async function register(hub: LocalHub, registrationId: string, key: string): Promise<Registration> {
  const args = [script, `localhost:${hub.ports.mqtt}`, hub.provisioning.idScope, registrationId, key]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: hub.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return JSON.parse(stdout) as Registration
}

describe("Microsoft's provisioning client", () => {
  it('enrols a device of a group, which then connects to where it was sent', async () => {
    const dataDir = newHubFolder()
    const hub = await startHub({ dataDir })
    const key = deriveKey(hub.provisioning.groups[0]!.primaryKey, 'pi-77')
    const registered = await register(hub, 'pi-77', key)
    expect(registered).toMatchObject({ assignedHub: `localhost:${hub.ports.mqtt}`, deviceId: 'pi-77' })
    const string = `HostName=${registered.assignedHub};DeviceId=${registered.deviceId};SharedAccessKey=${key}`
    const client = await sdkClient(string, hub.caFile)
    await client.open()
    await client.sendEvent(new Message('hello'))
    expect((await eventsOf(hub.core.events.builtIn)).map(textOf)).toEqual(['hello'])
    const again = await register(hub, 'pi-77', key)
    expect(again).toMatchObject({ deviceId: 'pi-77' })
    expect(hub.core.registry.list()).toHaveLength(1)
    await hub.stop()
    expect((await startHub({ dataDir })).provisioning).toEqual(hub.provisioning)
  })

  it('enrols a single device under the name of its enrolment; a wrong key is turned away', async () => {
    const primaryKey = Buffer.alloc(32, 3).toString('base64')
    const enrolments = [{ registrationId: 'serial-1', primaryKey, deviceId: 'Pump-1' }]
    const hub = await startHub({ provisioning: { enrolments } })
    expect(await register(hub, 'serial-1', primaryKey)).toMatchObject({ deviceId: 'Pump-1' })
    const group = deriveKey(hub.provisioning.groups[0]!.primaryKey, 'serial-1')
    expect((await register(hub, 'serial-1', group)).error).toMatch(/authorized/i)
    expect((await register(hub, 'serial-2', primaryKey)).error).toMatch(/authorized/i)
    expect(hub.core.registry.list().map(({ deviceId }) => deviceId)).toEqual(['Pump-1'])
  })
})
