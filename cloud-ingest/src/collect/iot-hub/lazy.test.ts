import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const hooks = `import { registerHooks } from 'node:module'
const azure = []
registerHooks({ resolve: (name, context, next) => { if (name.startsWith('@azure/')) azure.push(name); return next(name, context) } })
process.on('exit', () => console.log(JSON.stringify(azure)))`

async function azureLoadedBy(script: string): Promise<string[]> {
  const given = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`, '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, given, { cwd: import.meta.dirname })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

const url = (file: string) => JSON.stringify(join(import.meta.dirname, file))

test('an ingest that reads from a broker loads nothing of Azure', async () => {
  const script = `await import(${url('../../pipeline.ts')}); await import(${url('../../config.ts')})`
  expect(await azureLoadedBy(script)).toEqual([])
})

test('an ingest that keeps its checkpoints in files loads nothing of Blob storage', async () => {
  const loaded = await azureLoadedBy(
    `await import(${url('../../../../packages/transports/src/iot-hub/reader/reader.ts')})`,
  )
  expect(loaded).toContain('@azure/event-hubs')
  expect(loaded.filter((name) => name.includes('blob'))).toEqual([])
})
