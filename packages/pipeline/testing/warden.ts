import { spawn } from 'node:child_process'

// Runs the program that its arguments name, and ends it by force once standard input ends: when who started this is gone.
const [command, ...args] = process.argv.slice(2)
const child = spawn(command!, args, { stdio: 'ignore' })
child.once('error', () => process.exit(127))
child.once('exit', (code) => process.exit(code ?? 1))
process.stdin.once('end', () => child.kill('SIGKILL')).resume()
