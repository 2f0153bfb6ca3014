import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-borders-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Diagnostic {
  category: string
  location: { path: string }
  message: string
}

/** Lints a copy of the layout that holds these files alone, under the project's own rules. */
function lint(files: Record<string, string>): Diagnostic[] {
  cpSync(join(root, 'biome.json'), join(folder, 'biome.json'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
  const args = [biome, 'lint', '--vcs-enabled=false', '--reporter=json', ...Object.keys(files)]
  try {
    return parse(execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' }))
  } catch (error) {
    return parse((error as { stdout: Buffer }).stdout)
  }
}

function parse(output: Buffer): Diagnostic[] {
  return (JSON.parse(output.toString()) as { diagnostics: Diagnostic[] }).diagnostics
}

function categories(files: Record<string, string>): string[] {
  return lint(files).map((diagnostic) => diagnostic.category)
}

describe('the linter holds the borders', () => {
  it('finds nothing in a file that keeps to them', () => {
    expect(
      categories({ 'packages/windows/src/good.ts': "import { a } from './other.ts'\n\nexport const b = a\n" }),
    ).toEqual([])
  })

  it.each([
    ['a stage that imports another stage', 'edge-agent/src/rollup/bad.ts', '../uplink/index.ts'],
    ['an app that imports another app', 'cloud-ingest/src/store/bad.ts', '@millrace/edge-agent'],
    ['windows with I/O', 'packages/windows/src/bad.ts', 'node:fs'],
    ['contracts with a package of ours', 'packages/contracts/src/bad.ts', '@millrace/pipeline'],
    ['spool with another package than pipeline', 'packages/spool/src/bad.ts', '@millrace/windows'],
    ['cli with an app', 'packages/cli/src/bad.ts', '@millrace/edge-agent'],
    ['the local hub with what talks to it', 'packages/iot-hub-local/src/bad.ts', '@millrace/transports'],
    ['verify with the code it checks', 'packages/cli/src/verify/bad.ts', '@millrace/windows'],
    ['the oracle with anything of ours', 'e2e/oracle/bad.ts', '../../packages/windows/src/index.ts'],
  ])('refuses %s', (_claim, path, imported) => {
    const text = `import { x } from '${imported}'\n\nexport const y = x\n`
    expect(categories({ [path]: text })).toContain('lint/style/noRestrictedImports')
  })

  it('refuses a floating promise', () => {
    const text = 'async function f(): Promise<number> {\n  return 1\n}\n\nexport function g(): void {\n  f()\n}\n'
    expect(categories({ 'edge-agent/src/floating.ts': text })).toContain('lint/nursery/noFloatingPromises')
  })
})
