import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const processState = z.object({ pid: z.number().nullable(), restarts: z.number() })

const runFile = z.object({
  /** Of `millrace up`; null after it has stopped. */
  pid: z.number().nullable(),
  startedAt: z.number(),
  ports: z.object({
    http: z.number(),
    mqtt: z.number(),
    agent: z.number(),
    cloudMqtt: z.number(),
    /** Between the agent and the cloud broker. */
    relay: z.number(),
    /** Of the local IoT Hub, where it is in the place of the broker. */
    hub: z
      .object({ mqtt: z.number().exactOptional(), amqp: z.number(), amqps: z.number(), https: z.number() })
      .exactOptional(),
  }),
  processes: z.record(z.string(), processState),
})

/** What runs on a data folder, where, and under which process ids. */
export type RunFile = z.infer<typeof runFile>

const pathOf = (dataDir: string) => join(dataDir, 'run.json')

/** Undefined where nothing ever ran there. */
export function readRunFile(dataDir: string): RunFile | undefined {
  try {
    return runFile.parse(JSON.parse(readFileSync(pathOf(dataDir), 'utf8')))
  } catch {
    return undefined
  }
}

/** Replaces the file in one step. */
export function writeRunFile(dataDir: string, run: RunFile): void {
  const temporary = `${pathOf(dataDir)}.tmp`
  writeFileSync(temporary, `${JSON.stringify(run, null, 2)}\n`)
  renameSync(temporary, pathOf(dataDir))
}

/** Also for a process of another user. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
