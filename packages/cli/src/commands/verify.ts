import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { MillraceError, parseDuration, pause, readSecret, UsageError } from '@millrace/pipeline'
import { appArguments } from '../apps.ts'
import { readRunFile } from '../up/run-file.ts'
import { httpStack, type ServerAddress } from '../verify/api.ts'
import { humanReport, isClean, jsonReport } from '../verify/report.ts'
import { verify } from '../verify/verify.ts'

/** Where the services of a stack are. */
export interface AddressFlags {
  dataDir: string
  url?: string
  agentUrl?: string
  tokenFile?: string
  agentTokenFile?: string
}

export interface VerifyFlags extends AddressFlags {
  ledger?: string
  store?: string
  limit: string
  wait?: boolean
  json?: boolean
}

const usualPatienceMs = 5000
const longPatienceMs = 30_000

/** The expected readings, told by the simulator from its ledger. */
async function* recount(ledger: string): AsyncIterable<string> {
  const child = spawn(process.execPath, appArguments('simulator', ['--recount', '--ledger', ledger]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', done)
  })
  yield* createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })
  const code = await exited
  if (code !== 0)
    throw new MillraceError(
      code === 2 ? 'usage' : 'check-failed',
      `the ledger in ${ledger} cannot be told (exit code ${code})`,
    )
}

const readToken = (file: string | undefined, flag: string) => (file === undefined ? undefined : readSecret(file, flag))

export function addresses(flags: AddressFlags, patienceMs = 0): { ingest: ServerAddress; agent: ServerAddress } {
  const { dataDir, url, agentUrl, tokenFile } = flags
  const ports = readRunFile(resolve(dataDir))?.ports
  const token = readToken(tokenFile, '--token-file')
  const agentToken = readToken(flags.agentTokenFile, '--agent-token-file') ?? token
  const common = { patienceMs }
  const local = (port: number) => `http://127.0.0.1:${port}`
  return {
    ingest: { url: url ?? local(ports?.http ?? 8080), flag: '--url', token, ...common },
    agent: {
      url: agentUrl ?? local(ports?.agent ?? 8081),
      flag: '--agent-url',
      token: agentToken,
      ...common,
    },
  }
}

function limitMs({ limit }: VerifyFlags): number {
  const ms = parseDuration(limit)
  if (ms !== undefined) return ms
  throw new UsageError('verify cannot run like this', [
    { path: '--limit', found: limit, expected: 'a duration such as 90s or 10m' },
  ])
}

/** Progress goes to standard error: one line redrawn at a terminal, nothing elsewhere. */
function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}

/** Exit code 0 where everything acknowledged is stored, 1 on any difference. */
export async function runVerify(flags: VerifyFlags): Promise<number> {
  const ledger = flags.ledger ?? join(resolve(flags.dataDir), 'ledger')
  const report = await verify({
    stack: httpStack({ ...addresses(flags, flags.wait ? longPatienceMs : usualPatienceMs), store: flags.store }),
    recount: () => recount(ledger),
    wait: flags.wait ?? false,
    limitMs: limitMs(flags),
    progress: progressLine,
    pause: (ms) => pause(ms),
    monotonic: () => performance.now(),
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
  process.stdout.write(`${flags.json ? jsonReport(report) : humanReport(report)}\n`)
  return isClean(report) ? 0 : 1
}
