/** Who a device of a hub is to the agent; the site is undefined where its id does not tell it. */
export interface NamedDevice {
  device: string
  site?: string | undefined
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Of each placeholder what the device's id may have in its place; the first separator ends a site. */
const groups: Readonly<Record<string, string>> = { '{device}': '(?<device>.+)', '{site}': '(?<site>.+?)' }

/** How the devices of a hub are called: `{device}`, `{site}:{device}`, `plant-{device}`. */
export class IdPattern {
  readonly #regex: RegExp

  constructor(text: string) {
    const parts = text.split(/(\{[a-z]+\})/)
    this.#regex = new RegExp(`^${parts.map((part) => groups[part] ?? escaped(part)).join('')}$`)
  }

  /** Why a text is no such pattern; undefined where it is one. */
  static problem(text: string): string | undefined {
    const names: string[] = text.match(/\{[^}]*\}/g) ?? []
    const isWrong = names.some((name) => groups[name] === undefined) || new Set(names).size < names.length
    if (isWrong || !names.includes('{device}'))
      return 'a pattern with {device}, and {site} where ids hold it, once each'
    return /\}\{/.test(text) ? 'a pattern with something between {site} and {device}' : undefined
  }

  /** Undefined where the id is not called like that. */
  read(id: string): NamedDevice | undefined {
    const found = this.#regex.exec(id)?.groups
    return found?.device === undefined ? undefined : { device: found.device, site: found.site }
  }
}
