import type {
  AlertsResponse,
  ApiAlert,
  LiveAlertEvent,
  RulesResponse,
  RulesStatus,
  Severity,
  Silence,
} from '@millrace/contracts'

/** Alerts that are over and more than these are forgotten, oldest first; the ingest has them all. */
const maxPast = 2_000

const urgency: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 }

/** What somebody has taken on, or wants no notice of, comes behind what nobody has looked at. */
const isHandled = ({ acknowledged, silencedBy }: ApiAlert) => acknowledged !== null || silencedBy !== null

/** Most urgent first, then what nobody has dealt with, then newest. */
export function byUrgency(a: ApiAlert, b: ApiAlert): number {
  const severity = urgency[b.severity] - urgency[a.severity]
  return severity || Number(isHandled(a)) - Number(isHandled(b)) || byStart(a, b)
}

/** Newest first. */
export function byStart(a: ApiAlert, b: ApiAlert): number {
  return b.start - a.start || (a.id < b.id ? -1 : 1)
}

/** Everything the page knows of alerts; nothing here draws. */
export class AlertBook {
  loaded = false
  silences: readonly Silence[] = []
  evaluators: readonly RulesStatus[] = []
  /** Grows with every change of an alert. */
  version = 0
  /** What the rules of the ingest's folder judge, by their ids. */
  rules: readonly RulesResponse['rules'][number][] = []
  private readonly byId = new Map<string, ApiAlert>()
  private counted = { version: -1, byDevice: new Map<string, ApiAlert[]>() }

  /**
   * An answer that holds every active alert: one that was active `before` it was asked for and is not among them is
   * no more. What came meanwhile stays.
   */
  put({ alerts, silences, evaluators }: AlertsResponse, before: readonly ApiAlert[] = []): void {
    const named = new Set(alerts.map(({ id }) => id))
    for (const alert of before) if (!named.has(alert.id) && this.byId.get(alert.id) === alert) this.drop(alert)
    for (const alert of alerts) this.take(alert)
    this.silences = silences
    this.evaluators = evaluators
    this.loaded = true
    this.forget()
  }

  /** Alerts as they are now, whatever else there is. */
  change({ alerts }: Pick<LiveAlertEvent, 'alerts'>): void {
    for (const alert of alerts) this.take(alert)
    this.forget()
  }

  /** Neither an alert nor a rule that could raise one. */
  get isUnused(): boolean {
    return this.byId.size === 0 && this.evaluators.every(({ rules }) => rules === 0)
  }

  find(id: string): ApiAlert | undefined {
    return this.byId.get(id)
  }

  active(): ApiAlert[] {
    return this.all(({ state }) => state === 'active').sort(byUrgency)
  }

  /** Cleared and withdrawn ones, newest first. */
  past(): ApiAlert[] {
    return this.all(({ state }) => state !== 'active').sort(byStart)
  }

  /** What concerns a series: its own alerts, and those of its device or site as a whole. */
  ofSeries({ site, device, metric }: { site: string; device: string; metric: string }): ApiAlert[] {
    return this.all(
      (alert) =>
        alert.site === site &&
        (alert.device === device || (alert.device === null && alert.metric !== null)) &&
        (alert.metric === metric || alert.metric === null),
    ).sort(byStart)
  }

  /** Asked for by every device a few times a second, so they are sorted out once for each change. */
  activeOfDevice({ site, device }: { site: string; device: string }): readonly ApiAlert[] {
    if (this.counted.version !== this.version) {
      const byDevice = new Map<string, ApiAlert[]>()
      for (const alert of this.active()) {
        const key = `${alert.site}/${alert.device ?? ''}`
        byDevice.set(key, [...(byDevice.get(key) ?? []), alert])
      }
      this.counted = { version: this.version, byDevice }
    }
    return this.counted.byDevice.get(`${site}/${device}`) ?? []
  }

  kindOf(rule: string): string | undefined {
    return this.rules.find(({ id }) => id === rule)?.kind
  }

  private all(wanted: (alert: ApiAlert) => boolean): ApiAlert[] {
    return [...this.byId.values()].filter(wanted)
  }

  private take(alert: ApiAlert): void {
    if ((this.byId.get(alert.id)?.rev ?? -1) > alert.rev) return
    this.byId.set(alert.id, alert)
    this.version++
  }

  private drop({ id }: ApiAlert): void {
    this.byId.delete(id)
    this.version++
  }

  private forget(): void {
    if (this.byId.size <= maxPast) return
    for (const alert of this.past().slice(maxPast)) this.drop(alert)
  }
}
