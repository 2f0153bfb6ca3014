import type { Spool } from '@millrace/spool'
import type { GroupCommit } from './group-commit.ts'

/** What a device subscribed to, for connections with CleanSession 0; kept over restarts of the hub, as the hub does. */
export class Sessions {
  readonly #subscriptions = new Map<string, ReadonlyMap<string, number>>()
  readonly #commit: GroupCommit

  private constructor(commit: GroupCommit) {
    this.#commit = commit
  }

  static async open(spool: Spool, commit: GroupCommit): Promise<Sessions> {
    const sessions = new Sessions(commit)
    const rows = await spool.read('SELECT id, json FROM hub_sessions')
    for (const [id, json] of rows) {
      sessions.#subscriptions.set(id as string, new Map(JSON.parse(json as string) as [string, number][]))
    }
    return sessions
  }

  /** Topic filters with the QoS granted; undefined where there is no session. */
  get(deviceId: string): ReadonlyMap<string, number> | undefined {
    return this.#subscriptions.get(deviceId)
  }

  async save(deviceId: string, subscriptions: ReadonlyMap<string, number>): Promise<void> {
    this.#subscriptions.set(deviceId, new Map(subscriptions))
    const sql = 'INSERT INTO hub_sessions VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json'
    await this.#commit.write([{ sql, rows: [[deviceId, JSON.stringify([...subscriptions])]] }])
  }

  async drop(deviceId: string): Promise<void> {
    if (!this.#subscriptions.delete(deviceId)) return
    await this.#commit.write([{ sql: 'DELETE FROM hub_sessions WHERE id = ?', rows: [[deviceId]] }])
  }
}
