import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { grafanaFiles, grafanaProblems } from '@millrace/rules'
import { stringify } from 'yaml'
import { compileFolder } from '../rules/compile.ts'
import { windowMsOf } from './rules-past.ts'

export interface GrafanaFlags {
  out: string
  window: string
  source: string
  folder: string
}

const head = '# Written by `millrace rules grafana`: change the rules, not this file.\n'

/** The files of `provisioning/alerting` for the rules `at: grafana` of a folder, by name; throws a UsageError with every problem. */
export function grafanaTexts(folder: string, flags: Omit<GrafanaFlags, 'out'>): Record<string, string> {
  const { rules, problems, placed } = compileFolder(folder)
  const settings = { windowMs: windowMsOf(flags.window), source: flags.source, folder: flags.folder }
  const refused = placed(rules.flatMap((rule) => grafanaProblems(rule, settings)))
  const all = [...problems, ...refused]
  if (all.length > 0)
    throw new UsageError(`Grafana cannot be given the rules in ${folder}`, all, { code: 'config-invalid' })
  const { files } = grafanaFiles(rules, settings)
  const texts = Object.entries(files).map(([name, content]) => [
    name,
    head + stringify(content, { lineWidth: 0, aliasDuplicateObjects: false }),
  ])
  return Object.fromEntries(texts) as Record<string, string>
}

/** Writes the files; Grafana reads them when it starts. */
export async function runRulesGrafana(folder: string, flags: GrafanaFlags): Promise<number> {
  for (const [name, text] of Object.entries(grafanaTexts(folder, flags))) {
    const file = join(flags.out, name)
    await writeFile(file, text)
    process.stdout.write(`${file}\n`)
  }
  return 0
}
