import { z } from 'zod'

/** One replaceable part: its name in the config file, its settings, and how to build it. */
export interface Plugin<Settings extends z.ZodObject, Context, Part> {
  type: string
  settings: Settings
  create(settings: z.output<Settings>, context: Context): Part | Promise<Part>
}

export function definePlugin<Settings extends z.ZodObject, Context, Part>(
  plugin: Plugin<Settings, Context, Part>,
): Plugin<Settings, Context, Part> {
  return plugin
}

export interface PluginSet<Context, Part> {
  types: readonly string[]
  /** A discriminated union on `type`; unknown keys are refused. */
  schema: z.ZodType<{ type: string }>
  create(settings: { type: string }, context: Context): Promise<Part>
}

/** The only list of a kind of part: the config schema and the look-up both come from it. */
export function pluginSet<Context, Part>(
  plugins: readonly Plugin<z.ZodObject, Context, Part>[],
): PluginSet<Context, Part> {
  const byType = new Map(plugins.map((plugin) => [plugin.type, plugin]))
  if (byType.size < plugins.length) throw new Error('two plugins share a type')
  const [first, ...rest] = plugins.map((plugin) => plugin.settings.extend({ type: z.literal(plugin.type) }).strict())
  if (!first) throw new Error('a plugin set needs at least one plugin')
  return {
    types: [...byType.keys()],
    // `extend` loses the literal's type once the plugins are erased to one element type.
    schema: z.discriminatedUnion('type', [first, ...rest]) as z.ZodType<unknown> as z.ZodType<{ type: string }>,
    async create({ type, ...settings }, context) {
      const plugin = byType.get(type)
      if (!plugin) throw new Error(`no plugin of type ${type}`)
      return await plugin.create(settings, context)
    },
  }
}
