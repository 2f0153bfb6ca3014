import { spawn } from 'node:child_process'
import { drillSite } from '@millrace/contracts'
import { MillraceError, pause } from '@millrace/pipeline'
import { appArguments } from '../apps.ts'
import type { VerifyReport } from '../verify/report.ts'
import { tooLateByDevice } from '../verify/too-late.ts'
import { underWay } from '../verify/until-idle.ts'
import { setAsideBy } from './agent-view.ts'
import { addVerdicts, type DeviceVerdict, type KnownDevice } from './known-device.ts'
import type { Target } from './target.ts'

export interface RecountOptions {
  /** Wait until nothing is open: only where nobody sends any more. */
  wait: boolean
  /** Longest wait, ms. */
  limitMs: number
  signal: AbortSignal
}

/** What `millrace verify` finds, in a process of its own. */
export async function recountFleet(
  { dataDir, tokenFile }: Pick<Target, 'dataDir' | 'tokenFile'>,
  { wait, limitMs, signal }: RecountOptions,
): Promise<VerifyReport> {
  const flags = [
    ...['--json', '--data-dir', dataDir, '--limit', `${Math.ceil(limitMs / 1000)}s`],
    ...(wait ? ['--wait'] : []),
    ...(tokenFile === undefined ? [] : ['--token-file', tokenFile]),
  ]
  const child = spawn(process.execPath, appArguments('millrace', ['verify', ...flags]), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let [output, said] = ['', '']
  child.stdout.on('data', (bytes) => {
    output += bytes
  })
  child.stderr.on('data', (bytes) => {
    said += bytes
  })
  const stop = () => child.kill()
  signal.addEventListener('abort', stop)
  await new Promise<void>((resolve, reject) => child.once('close', () => resolve()).once('error', reject))
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (output.trim() === '') throw new MillraceError('check-failed', `the recount found no answer: ${said.trim()}`)
  return JSON.parse(output) as VerifyReport
}

const lookEveryMs = 500

/** Until nothing of the drill's own devices is open or on its way; at most `limitMs`. */
async function untilOwnStored({ api }: Target, { limitMs, signal }: Pick<RecountOptions, 'limitMs' | 'signal'>) {
  const deadline = performance.now() + limitMs
  while (performance.now() < deadline) {
    const state = await api.agent()
    const open = state.devices.filter(({ site }) => site === drillSite).reduce((sum, { open }) => sum + open, 0)
    if (open === 0 && (await underWay(api, state)).moving === 0) return
    await pause(lookEveryMs, signal)
  }
}

/** The drill's own devices, of which the ledger of the fleet knows nothing. */
export async function recountOwn(
  target: Target,
  devices: readonly KnownDevice[],
  options: Pick<RecountOptions, 'limitMs' | 'signal'>,
): Promise<DeviceVerdict> {
  await untilOwnStored(target, options)
  const { api } = target
  const told = { accounts: await api.accounts(), agent: await api.agent(), letters: await api.tooLateLetters() }
  const [setAside, tooLateOf] = [await setAsideBy(target), tooLateByDevice(told)]
  const verdicts: DeviceVerdict[] = []
  for (const one of devices) {
    const tooLate = tooLateOf(`${drillSite}/${one.device}`)
    verdicts.push(await one.recount(api, { setAside: setAside.get(one.device) ?? 0, tooLate }))
  }
  return addVerdicts(verdicts)
}
