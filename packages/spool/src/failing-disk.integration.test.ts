import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { openSpool } from './index.ts'

const script = fileURLToPath(new URL('../testing/failing-disk.ts', import.meta.url))
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

interface Run {
  folder: string
  code: number
  /** What it said, one line each. */
  said: string[]
  /** System calls in order: flushes and writes, with the paths of their files. */
  calls: string[]
}

/** The writer with the n-th of these calls failing with EIO; none where n is 0. */
async function runFailing(call: string, n: number): Promise<Run> {
  const folder = newFolder()
  folders.push(folder)
  const trace = `${folder}.trace`
  const inject = n === 0 ? [] : ['-e', `inject=${call}:error=EIO:when=${n}`]
  const flags = ['-f', '-y', '--seccomp-bpf', '-o', trace, '-e', 'trace=fsync,fdatasync,pwrite64,write', ...inject]
  const command = [...flags, process.execPath, script, `${folder}/spool`]
  const run = promisify(execFile)('strace', command)
  const { stdout, code } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  )
  const calls = readFileSync(trace, 'utf8').split('\n')
  rmSync(trace)
  return { folder: `${folder}/spool`, code, said: stdout.split('\n').filter(Boolean), calls }
}

/** Everything told as written is there, nothing is half there, and the spool takes more. */
async function checkNextStart({ folder, said }: Run): Promise<string[]> {
  const told = said.filter((line) => line.startsWith('ok ')).map((line) => Number(line.slice(3)))
  const spool = await openSpool(spoolOptions(folder))
  const ids = async (table: string) =>
    (await spool.read(`SELECT id FROM ${table} ORDER BY id`)).map(([id]) => Number(id))
  const [rows, twins] = [await ids('journal'), await ids('twins')]
  await spool.write([{ sql: 'INSERT INTO twins VALUES (?)', rows: [[1_000]] }])
  await spool.close()
  return [
    ...(rows.join() === twins.join() ? [] : [`journal ${rows}, twins ${twins}`]),
    ...told.filter((id) => !rows.includes(id)).map((id) => `${id} was told as written and is not there`),
  ]
}

/** A flush of the log that failed is the end of that connection: nothing more is told as written. */
function toldAfterFailure({ calls }: Run): string[] {
  const failed = calls.findIndex((line) => line.includes('INJECTED') && line.includes('spool.db-wal>'))
  return failed < 0 ? [] : calls.slice(failed).filter((line) => /write\(1<.*"ok /.test(line))
}

async function sweep(call: string, step: number): Promise<{ runs: number; failed: number; problems: string[] }> {
  const { calls } = await runFailing(call, 0)
  const count = calls.filter((line) => line.includes(` ${call}(`)).length
  const numbers = Array.from({ length: Math.ceil(count / step) }, (_, index) => 1 + index * step)
  const problems: string[] = []
  let failed = 0
  const each = async (n: number) => {
    const run = await runFailing(call, n)
    if (run.said.some((line) => !line.startsWith('ok'))) failed++
    const found = [...toldAfterFailure(run), ...(await checkNextStart(run))]
    if (run.code !== 0 && run.code !== 3) found.push(`ended with ${run.code}`)
    problems.push(...found.map((problem) => `${call} ${n}: ${problem}`))
  }
  const lanes = [0, 1, 2].map(async (lane) => {
    for (const n of numbers.filter((_, index) => index % 3 === lane)) await each(n)
  })
  await Promise.all(lanes)
  return { runs: numbers.length, failed, problems }
}

test.each([
  ['fsync', 1],
  ['pwrite64', 12],
])(
  'a disk whose %s fails once, at any call: nothing is told as written after it, and the next start has all that was',
  async (call, step) => {
    const { runs, failed, problems } = await sweep(call, step)
    expect(problems).toEqual([])
    expect(runs).toBeGreaterThan(8)
    expect(failed).toBeGreaterThan(runs / 3)
  },
)
