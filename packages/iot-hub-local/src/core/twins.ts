import type { Clock } from '@millrace/pipeline'
import type { Spool } from '@millrace/spool'
import { HubError } from '../hub-error.ts'
import type { Json, JsonObject, Twin, TwinPatch, Twins } from '../types.ts'
import type { GroupCommit } from './group-commit.ts'
import { newEtag } from './keys.ts'
import { checkValues, difference, emptySection, isObject, merge, patchSection, sizeOf } from './twin-section.ts'

const maxPropertiesBytes = 32 * 1024
const maxTagsBytes = 8 * 1024
const saveTwin = 'INSERT INTO hub_twins VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json'

export interface TwinsOptions {
  commit: GroupCommit
  clock: Clock
  exists(deviceId: string): boolean
  onDesired(deviceId: string, patch: JsonObject, version: number): void
}

/** Where services send back what they read, the hub's own names are in it; they say nothing. */
function withoutHubNames(values: Json): JsonObject {
  if (!isObject(values)) throw new HubError('MalformedTwin', 'tags and properties are JSON objects')
  return Object.fromEntries(Object.entries(values).filter(([key]) => !key.startsWith('$')))
}

function tagsAfter(before: JsonObject, patch: JsonObject): JsonObject {
  checkValues(patch)
  const tags = merge(before, patch)
  if (sizeOf(tags) > maxTagsBytes) throw new HubError('MessageTooLarge', `the tags are over ${maxTagsBytes} bytes`)
  return tags
}

/** Twins in memory and on disk. A device has one from its creation; it is written at its first change. */
export class DiskTwins implements Twins {
  readonly #twins = new Map<string, Twin>()
  readonly #options: TwinsOptions

  private constructor(options: TwinsOptions, twins: readonly Twin[]) {
    this.#options = options
    for (const twin of twins) this.#twins.set(twin.deviceId, twin)
  }

  static async open(spool: Spool, options: TwinsOptions): Promise<DiskTwins> {
    const rows = await spool.read('SELECT json FROM hub_twins')
    return new DiskTwins(
      options,
      rows.map(([json]) => JSON.parse(json as string) as Twin),
    )
  }

  get(deviceId: string): Twin | undefined {
    if (!this.#options.exists(deviceId)) return undefined
    let twin = this.#twins.get(deviceId)
    if (twin === undefined) {
      const now = this.#options.clock.now()
      const desired = emptySection(now, true)
      twin = { deviceId, etag: newEtag(), version: 2, tags: {}, desired, reported: emptySection(now, false) }
      this.#twins.set(deviceId, twin)
    }
    return twin
  }

  async patch(deviceId: string, { tags, desired }: TwinPatch, ifMatch?: string): Promise<Twin> {
    return this.#change(deviceId, ifMatch, () => ({
      tags: tags === undefined ? undefined : withoutHubNames(tags),
      desired: desired === undefined ? undefined : withoutHubNames(desired),
    }))
  }

  async replace(deviceId: string, { tags, desired }: TwinPatch, ifMatch?: string): Promise<Twin> {
    return this.#change(deviceId, ifMatch, (twin) => ({
      tags: difference(twin.tags, withoutHubNames(tags ?? {})),
      desired: difference(twin.desired.values, withoutHubNames(desired ?? {})),
    }))
  }

  async report(deviceId: string, patch: Json): Promise<number> {
    const twin = this.#known(deviceId)
    if (!isObject(patch)) throw new HubError('MalformedTwin', 'a reported patch is a JSON object')
    const change = { patch, atMs: this.#options.clock.now(), maxBytes: maxPropertiesBytes, stampVersion: false }
    const reported = patchSection(twin.reported, change)
    await this.#save({ ...twin, reported, version: twin.version + 1, etag: twin.etag })
    return reported.version
  }

  forget(deviceId: string): void {
    this.#twins.delete(deviceId)
    // Queued before the next twin of that name can be written.
    void this.#options.commit.write([{ sql: 'DELETE FROM hub_twins WHERE id = ?', rows: [[deviceId]] }]).catch(() => {})
  }

  #known(deviceId: string): Twin {
    const twin = this.get(deviceId)
    if (twin === undefined) throw new HubError('DeviceNotFound', `there is no device ${deviceId}`)
    return twin
  }

  async #change(
    deviceId: string,
    ifMatch: string | undefined,
    patchesOf: (twin: Twin) => { tags: JsonObject | undefined; desired: JsonObject | undefined },
  ): Promise<Twin> {
    const twin = this.#known(deviceId)
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== twin.etag) {
      throw new HubError('PreconditionFailed', `the etag of the twin of ${deviceId} is ${twin.etag}`)
    }
    const { tags, desired } = patchesOf(twin)
    const change = { atMs: this.#options.clock.now(), maxBytes: maxPropertiesBytes, stampVersion: true }
    const changed: Twin = {
      ...twin,
      tags: tags === undefined ? twin.tags : tagsAfter(twin.tags, tags),
      desired: desired === undefined ? twin.desired : patchSection(twin.desired, { ...change, patch: desired }),
      version: twin.version + 1,
      etag: newEtag(),
    }
    await this.#save(changed)
    if (desired !== undefined) this.#options.onDesired(deviceId, desired, changed.desired.version)
    return changed
  }

  async #save(twin: Twin): Promise<void> {
    this.#twins.set(twin.deviceId, twin)
    await this.#options.commit.write([{ sql: saveTwin, rows: [[twin.deviceId, JSON.stringify(twin)]] }])
  }
}
