import { MillraceError, UsageError } from './errors.ts'

export interface ListenPlace {
  /** The setting or flag that names the port, for the message. */
  setting: string
  host: string
  port: number
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The error of a server that could not listen, with the setting to change. */
export function listenError(error: unknown, { setting, host, port }: ListenPlace): Error {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    return new MillraceError('port-taken', `port ${port} on ${host} is taken by another program`, {
      hint: `Stop that program or choose another port with ${setting}.`,
      cause: error,
    })
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    const problem = {
      path: setting,
      found: `${host}:${port}`,
      expected: 'an address of this machine that this user may open',
    }
    return new UsageError(`cannot listen on ${host}:${port} (${code})`, [problem], {
      code: 'address-refused',
      cause: error,
    })
  }
  return error instanceof Error ? error : new Error(String(error))
}
