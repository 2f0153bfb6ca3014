import type { ReadStream } from 'node:tty'

const ctrlC = '\u0003'

/** Reads single keys from a terminal until it is told to stop. Ctrl-C comes as a key here and is `stop` like q. */
export function readKeys(input: ReadStream, actions: Readonly<Record<string, () => void>>): () => void {
  const pressed = (bytes: Buffer) => {
    for (const key of bytes.toString('utf8')) {
      const action = actions[key === ctrlC ? 'q' : key.toLowerCase()]
      action?.()
    }
  }
  input.setRawMode(true)
  input.on('data', pressed)
  input.resume()
  return () => {
    input.off('data', pressed)
    input.setRawMode(false)
    input.pause()
  }
}
