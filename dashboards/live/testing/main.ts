import { parseArgs } from 'node:util'
import { startMockServer } from './mock-server.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8090' }, devices: { type: 'string', default: '12' } },
})
const server = await startMockServer({ port: Number(values.port), devices: Number(values.devices) })
process.stdout.write(`made-up data at ${server.url}\n`)
