import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { startChild } from '../packages/spool/testing/index.ts'
import { trace, whyNoTrace } from './crash-images/strace.ts'
import { type Call, readCalls, unescaped } from './crash-images/trace-lines.ts'

const why = whyNoTrace()
if (why !== undefined) process.stdout.write(`the log left by a kill is not tried: ${why}\n`)

const writer = fileURLToPath(new URL('../packages/spool/testing/writer.ts', import.meta.url))

const touchesLog = ({ args }: Call) =>
  [...args.matchAll(/<((?:\\x[0-9a-f]{2})*)>/g)].some(([, path]) => unescaped(path!).toString().endsWith('-wal'))

test.skipIf(why !== undefined)(
  'what a killed process left in the log of its spool is on disk before anything of it is believed',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-left-'))
    try {
      const spool = join(folder, 'spool')
      const killed = startChild('writer.ts', [spool])
      await until(() => killed.lines.length > 20, { withinMs: 30_000, label: 'some writes' })
      killed.process.kill('SIGKILL')
      await killed.exited

      const file = join(folder, 'trace')
      const calls = ['openat', 'fsync', 'fdatasync', 'read', 'pread64']
      const again = trace({ file, args: [writer, spool], calls })
      await until(() => again.output().includes('open'), { withinMs: 60_000, label: 'the spool is open again' })
      process.kill(again.pid(), 'SIGKILL')
      await again.ended

      const ofLog: string[] = []
      await readCalls(file, (call) => {
        if (call.result >= 0 && call.name !== 'openat' && touchesLog(call)) ofLog.push(call.name)
      })
      expect(ofLog.length).toBeGreaterThan(2)
      expect(ofLog[0]).toBe('fsync')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
