import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { appArguments } from './apps.ts'

async function millrace(args: readonly string[], input: string) {
  const child = spawn(process.execPath, appArguments('millrace', args), { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  child.stdin.end(input)
  const printed = await text(child.stdout)
  await ended
  return { printed, code: child.exitCode }
}

it('millrace agent --try-topic reads a payload from its input, prints what it would become, and starts nothing', {
  timeout: 60_000,
}, async () => {
  const known = await millrace(
    ['agent', '--try-topic', 'tele/plug/SENSOR', '--try-payload', '-', '--json'],
    '{"ENERGY":{"Power":17}}',
  )
  expect(known.code).toBe(0)
  expect(JSON.parse(known.printed)).toMatchObject({
    readings: [{ device: 'plug', metric: 'power', value: 17, unit: 'W' }],
  })
  const unknown = await millrace(['agent', '--try-topic', 'nobody/knows', '--try-payload', '1'], '')
  expect(unknown).toEqual({ code: 1, printed: expect.stringContaining('bad-topic') })
})
