const timeoutMs = 20_000

/** What the ingest answered where it did not do what was asked. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Change {
  method: 'POST' | 'DELETE'
  path: string
  body?: object
}

async function refusalOf(response: Response): Promise<Refused> {
  const told = (await response.json().catch(() => undefined)) as { message?: string } | undefined
  return new Refused(response.status, told?.message ?? `the ingest answered ${response.status}`)
}

/** Asks the ingest for changes; where it demands a token, asks the user for it, once per visit of the page. */
export class Changes {
  private token: string | undefined
  private readonly askToken: (again: boolean) => Promise<string | undefined>

  /** `askToken` resolves with undefined where the user gives none; `again` where the last one was wrong. */
  constructor(askToken: (again: boolean) => Promise<string | undefined>) {
    this.askToken = askToken
  }

  /** The answer; undefined where there is none in it. Rejects with `Refused`. */
  async send<T>(change: Change): Promise<T | undefined> {
    for (;;) {
      const response = await this.fetch(change)
      if (response.ok) return response.status === 204 ? undefined : ((await response.json()) as T)
      const token = response.status === 401 ? await this.askToken(this.token !== undefined) : undefined
      if (token === undefined) throw await refusalOf(response)
      this.token = token
    }
  }

  private async fetch({ method, path, body }: Change): Promise<Response> {
    const headers = new Headers()
    if (this.token !== undefined) headers.set('authorization', `Bearer ${this.token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const signal = AbortSignal.timeout(timeoutMs)
    // With a token of ours a browser must not ask for one in its own way.
    const credentials = this.token === undefined ? 'same-origin' : 'omit'
    return await fetch(path, { method, headers, signal, credentials, ...(body && { body: JSON.stringify(body) }) })
  }
}
