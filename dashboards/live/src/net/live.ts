import type {
  LiveAlertEvent,
  LiveMarkEvent,
  LiveReadingEvent,
  LiveStatusEvent,
  LiveSummaryEvent,
} from '@millrace/contracts'

export type LiveState =
  | { kind: 'connecting' }
  | { kind: 'open' }
  /** `sinceMs` and `retryAtMs` are wall times of the browser. */
  | { kind: 'lost'; sinceMs: number; retryAtMs: number }

export interface LiveHandlers {
  reading(event: LiveReadingEvent): void
  summary(event: LiveSummaryEvent): void
  alert(event: LiveAlertEvent): void
  status(event: LiveStatusEvent): void
  mark(event: LiveMarkEvent): void
  /** `again` is true when the connection had been lost before: what was missed must be fetched. */
  open(again: boolean): void
  state(state: LiveState): void
}

const minRetryMs = 500
const maxRetryMs = 10_000

/** Server-sent events with a reconnect of our own: EventSource gives up for good on an HTTP error. */
export class LiveConnection {
  state: LiveState = { kind: 'connecting' }
  private source: EventSource | undefined
  private tries = 0
  private lostSinceMs: number | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly url: string
  private readonly handlers: LiveHandlers

  constructor(url: string, handlers: LiveHandlers) {
    this.url = url
    this.handlers = handlers
  }

  start(): void {
    const source = new EventSource(this.url)
    this.source = source
    const on = <T>(type: string, handle: (event: T) => void) =>
      source.addEventListener(type, (event: MessageEvent<string>) => handle(JSON.parse(event.data) as T))
    on('reading', this.handlers.reading)
    on('summary', this.handlers.summary)
    on('alert', this.handlers.alert)
    on('status', this.handlers.status)
    on('mark', this.handlers.mark)
    source.onopen = () => this.opened()
    source.onerror = () => this.lost()
  }

  /** Gives up the present connection, if any, and tries anew at once. */
  restart(): void {
    clearTimeout(this.timer)
    this.source?.close()
    this.start()
  }

  /** Called when another request shows that the server cannot be reached though the stream looks open. */
  lost(): void {
    this.source?.close()
    clearTimeout(this.timer)
    this.lostSinceMs ??= Date.now()
    const ceiling = Math.min(maxRetryMs, minRetryMs * 2 ** this.tries++)
    const waitMs = minRetryMs / 2 + Math.random() * ceiling
    this.change({ kind: 'lost', sinceMs: this.lostSinceMs, retryAtMs: Date.now() + waitMs })
    this.timer = setTimeout(() => this.start(), waitMs)
  }

  private opened(): void {
    const again = this.lostSinceMs !== undefined
    this.tries = 0
    this.lostSinceMs = undefined
    this.change({ kind: 'open' })
    this.handlers.open(again)
  }

  private change(state: LiveState): void {
    this.state = state
    this.handlers.state(state)
  }
}
