import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { expect, test } from 'vitest'
import { AgentProcess } from './testing/agent-process.ts'
import { agentConfig, freePort } from './testing/fixture.ts'

/** Node cannot open a datagram socket of this kind, which is why the agent needs `systemd-notify` at all. */
const listener = `
import os, socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
print('listening', flush=True)
while True:
    # systemd-notify waits until the descriptor that it passes is closed.
    message, descriptors, *_ = socket.recv_fds(heard, 4096, 8)
    for descriptor in descriptors:
        os.close(descriptor)
    if message != b'BARRIER=1':
        print(message.decode().replace('\\n', ' '), flush=True)
`

function isMissing(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return false
  } catch {
    return true
  }
}

test('the agent as a process tells the real systemd-notify that it is ready, alive and stopping', async (context) => {
  const missing = ['systemd-notify', 'python3'].filter(isMissing)
  if (missing.length > 0) {
    console.log(`skipped: ${missing.join(' and ')} not on this machine`)
    context.skip()
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'millrace-notify-'))
  const socket = join(folder, 'notify')
  const systemd = spawn('python3', ['-c', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const heard: string[] = []
  systemd.stdout.on('data', (chunk: Buffer) => heard.push(...chunk.toString().split('\n').filter(Boolean)))
  const environment = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '900000' }
  const [cloudPort, httpPort] = [await freePort(), await freePort()]
  const config = agentConfig({ dataDir: join(folder, 'spool'), cloudPort })
  const agent = await AgentProcess.configure(join(folder, 'agent.yaml'), config, httpPort)
  try {
    await until(() => heard.includes('listening'))
    await agent.start(environment)
    await until(() => heard.some((line) => line.startsWith('WATCHDOG=1')), {
      withinMs: 20_000,
      label: 'a sign of life',
    })
    expect(heard[1]).toBe('READY=1')
    expect(heard).toContain('WATCHDOG=1 STATUS=0 devices, uplink not connected')
    await agent.kill('SIGTERM')
    await until(() => heard.at(-1) === 'STOPPING=1', { label: 'the last word' })
  } finally {
    await agent.stop()
    const ended = once(systemd, 'exit')
    systemd.kill()
    await ended
    rmSync(folder, { recursive: true })
  }
})
