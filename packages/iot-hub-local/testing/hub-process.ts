import { startLocalHub } from '../src/index.ts'

// A hub as a process of its own; tells its port when it listens.
const [dataDir, port] = process.argv.slice(2)
const ports = { mqtt: Number(port), https: 0, amqp: 0, amqps: 0 }
const hub = await startLocalHub({ dataDir: dataDir!, ports })
await hub.deviceConnectionString('pi-01')
console.log(JSON.stringify({ ...hub.ports, device: await hub.deviceConnectionString('pi-01'), ca: hub.caFile }))
