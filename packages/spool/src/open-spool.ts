import { Worker } from 'node:worker_threads'
import { MillraceError, makeConfiguredFolders, SpoolFullError } from '@millrace/pipeline'
import type { Failure } from './failure.ts'
import type { Answer, Opened, Reply, Request } from './protocol.ts'
import type { Spool, SpoolOptions, SpoolUsage, SqlValue, Statement } from './types.ts'

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
}

function errorOf({ code, message, hint }: Failure): MillraceError {
  const details = hint === undefined ? {} : { hint }
  return code === 'spool-full' ? new SpoolFullError(message, details) : new MillraceError(code, message, details)
}

/** A view into a larger memory would be sent with all of it; such a view is copied first. */
function compact(value: SqlValue): SqlValue {
  return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? new Uint8Array(value) : value
}

function compactStatement({ sql, rows }: Statement): Statement {
  return { sql, rows: rows.map((row) => row.map(compact)) }
}

/** The worker with requests answered in order; when it ends, everything waiting and everything later fails. */
function startWorker(options: SpoolOptions) {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options })
  const waiting: Waiting[] = []
  let ended: Error | undefined
  const end = (error: Error) => {
    ended ??= error
    for (const request of waiting.splice(0)) request.reject(ended)
  }
  const expect = () => new Promise<Answer>((resolve, reject) => waiting.push({ resolve, reject }))
  const opened = expect()
  worker.on('message', (reply: Reply) => {
    const next = waiting.shift()
    if ('failure' in reply) next?.reject(errorOf(reply.failure))
    else next?.resolve(reply.answer)
  })
  worker.on('error', (cause) => end(new MillraceError('spool-failed', `the spool's thread ended: ${cause}`, { cause })))
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      end(new MillraceError('spool-closed', 'the spool is closed'))
      resolve()
    })
  })
  const ask = (request: Request): Promise<Answer> => {
    if (ended) return Promise.reject(ended)
    // Posting can throw, and then no answer comes.
    worker.postMessage(request)
    return expect()
  }
  return { ask, opened: opened as Promise<Opened>, exited, terminate: () => worker.terminate() }
}

/**
 * Opens the spool of a folder and locks it; rejects with a MillraceError that says who is in the way, with a UsageError
 * where the folder cannot be made.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  makeConfiguredFolders(options.folder, 'dataDir')
  const { ask, opened, exited, terminate } = startWorker(options)
  const identity = await opened.catch(async (error: unknown) => {
    await terminate()
    throw error
  })
  let closing: Promise<void> | undefined
  const close = async () => {
    await ask({ kind: 'close' })
    await exited
  }
  const refuseIfClosed = () => {
    if (closing !== undefined) throw new MillraceError('spool-closed', 'the spool is closed')
  }
  return {
    ...identity,
    async write(statements, { reserve = false } = {}) {
      refuseIfClosed()
      await ask({ kind: 'write', statements: statements.map(compactStatement), reserve })
    },
    async read(sql, params = []) {
      refuseIfClosed()
      return (await ask({ kind: 'read', sql, params: params.map(compact) })) as SqlValue[][]
    },
    async usage() {
      refuseIfClosed()
      return (await ask({ kind: 'usage' })) as SpoolUsage
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
