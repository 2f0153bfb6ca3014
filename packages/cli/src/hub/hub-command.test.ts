import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { afterEach, expect, it } from 'vitest'
import { appArguments } from '../apps.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-hub-command-'))
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function hub(...flags: string[]) {
  const child = spawn(process.execPath, appArguments('millrace', ['hub', ...flags]), { cwd: folder })
  children.push(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => {
    said.out += text
  })
  child.stderr.on('data', (text) => {
    said.err += text
  })
  return { child, said, ended: once(child, 'exit') }
}

const anyPort = ['--amqp-port', '0', '--amqps-port', '0', '--https-port', '0']

it('prints connection strings and what it does not do, refuses a taken port, and stops at Ctrl-C', async () => {
  const first = hub('--mqtt-port', '0', ...anyPort, '--device', 'pi-01', 'pi-02', '--event-hub', 'readings:2')
  await until(() => first.said.out.includes('Ctrl-C stops it.'), { withinMs: 30_000 })
  const { out } = first.said
  const port = /HostName=localhost:(\d+);DeviceId=pi-01;SharedAccessKey=\S{44}\n/.exec(out)?.[1]
  expect(port).toMatch(/^\d+$/)
  expect(out).toMatch(/DeviceId=pi-02;/)
  expect(out).toMatch(/HostName=localhost:\d+;SharedAccessKeyName=iothubowner;SharedAccessKey=/)
  expect(out).toMatch(/Endpoint=sb:\/\/localhost:\d+;.*UseDevelopmentEmulator=true;EntityPath=millrace\n/)
  expect(out).toMatch(/EntityPath=readings\n/)
  expect(out).toContain(`NODE_EXTRA_CA_CERTS=${join(folder, 'hub', 'certificates', 'ca.crt')}`)
  expect(out).toContain('azure-iothub calls HTTPS on port 443')
  expect(out).toContain('What it does not do')

  const second = hub('--data-dir', './other', '--mqtt-port', port!, ...anyPort)
  expect(await second.ended).toEqual([2, null])
  expect(second.said.err).toContain(`port ${port} on 127.0.0.1 is taken by another program`)
  expect(second.said.err).toContain('--mqtt-port')
  expect(second.said.out).toBe('')

  const third = hub('--mqtt-port', '0', ...anyPort)
  await third.ended
  expect(third.said.err).toMatch(/is in use by another process.*--data-dir/s)

  first.child.kill('SIGINT')
  expect(await first.ended).toEqual([0, null])
  expect(first.said.err).not.toMatch(/"level":"(warn|error)"/)
})
