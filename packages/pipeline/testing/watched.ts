import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const warden = fileURLToPath(new URL('./warden.ts', import.meta.url))

/** A server of a test, which ends with this process, however that ends. */
export class Watched {
  readonly #child: ChildProcess

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [warden, command, ...args], {
      // Of its own group: a Ctrl-C at the terminal is for the test.
      ...{ stdio: ['pipe', 'ignore', 'ignore'], detached: true },
    })
    this.#child.stdin!.on('error', () => undefined)
  }

  /** kill -9; returns when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.stdin!.end()
    await gone
  }
}
