import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseConfig } from '@millrace/pipeline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentConfigSchema } from './config.ts'
import { presetNames } from './decode/index.ts'

const recipes = fileURLToPath(new URL('../../docs/devices/', import.meta.url))
const agent = fileURLToPath(new URL('main.ts', import.meta.url))
const shell = promisify(execFile)

interface Recipe {
  config: string
  commands: string
  shown: string
}

/** What a config needs beside what a recipe shows. */
function completed(block: string): string {
  if (/^agent:/m.test(block)) return block
  const collect = /^collect:/m.test(block) ? '' : 'collect: { type: broker }\n'
  return `agent: pi-1\nsite: home\ndataDir: ./data\n${collect}uplink: { type: mqtt, url: 'mqtt://127.0.0.1:1884' }\n${block}`
}

const unindented = (block: string, indent: string) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')

/** Each block of commands with the config block before it and the output block behind it. */
function recipesIn(text: string): { configs: string[]; recipes: Recipe[] } {
  const blocks = [...text.matchAll(/^( *)```(yaml|sh|text)\n(.*?)^ *```$/gms)].map(([, indent, kind, body]) => {
    return { kind, body: unindented(body!, indent!) }
  })
  const found: Recipe[] = []
  let config = ''
  let commands = ''
  for (const { kind, body } of blocks) {
    if (kind === 'yaml') config = body
    else if (kind === 'sh') commands = body
    else found.push({ config, commands, shown: body })
  }
  return { configs: blocks.filter(({ kind }) => kind === 'yaml').map(({ body }) => body), recipes: found }
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-recipes-'))
  const npx = `#!/bin/sh\nshift 2\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${agent}' "$@"\n`
  await writeFile(join(folder, 'npx'), npx)
  await chmod(join(folder, 'npx'), 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function type({ config, commands }: Recipe): Promise<string> {
  await writeFile(join(folder, 'agent.yaml'), completed(config))
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
  const { stdout } = await shell('sh', ['-ec', commands], { cwd: folder, env })
  return stdout
}

describe('docs/devices', async () => {
  const files = (await readdir(recipes)).filter((file) => file.endsWith('.md'))

  it.each(files)(
    '%s: every config is valid, and every command prints what is shown',
    { timeout: 120_000 },
    async (file) => {
      const text = await readFile(join(recipes, file), 'utf8')
      const { configs, recipes: found } = recipesIn(text)
      for (const config of configs) parseConfig(completed(config), agentConfigSchema, file)
      expect(found.length).toBeGreaterThan(0)
      for (const recipe of found) {
        expect(await type(recipe)).toBe(recipe.shown)
      }
    },
  )

  it('has a line for every preset, and the index leads to every recipe', async () => {
    const index = await readFile(join(recipes, 'README.md'), 'utf8')
    for (const preset of presetNames) expect(index).toContain(`preset: ${preset} }`)
    for (const file of files) if (file !== 'README.md') expect(index).toContain(`(${file})`)
  })
})
