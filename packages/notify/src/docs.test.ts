import { readFileSync } from 'node:fs'
import { parseConfig } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { channels } from './channels/index.ts'
import { signatureOf } from './channels/webhook.ts'
import { notifySchema } from './config.ts'
import { noticeKinds } from './types.ts'

const docs = readFileSync(new URL('../../../docs/notify.md', import.meta.url), 'utf8')
const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(docs)![1]!

describe('docs/notify.md', () => {
  it('shows a config that is taken as it stands, with every type of channel', () => {
    const { notify } = parseConfig(block('yaml'), z.strictObject({ notify: notifySchema }), 'docs/notify.md')
    expect(notify.channels.map(({ type }) => type).sort()).toEqual([...channels.types].sort())
  })

  it('checks a signature as it says', async () => {
    const source = `data:text/javascript,${encodeURIComponent(block('js'))}`
    const { isFromMillrace } = (await import(source)) as { isFromMillrace(...args: unknown[]): boolean }
    const header = signatureOf('{"v":1}', 'secret', 1_000)
    expect(isFromMillrace(header, '{"v":1}', 'secret', 1_100)).toBe(true)
    expect(isFromMillrace(header, '{"v":2}', 'secret', 1_100)).toBe(false)
    expect(isFromMillrace(header, '{"v":1}', 'other', 1_100)).toBe(false)
    expect(isFromMillrace(header, '{"v":1}', 'secret', 2_000)).toBe(false)
  })

  it('explains every kind of item', () => {
    for (const kind of noticeKinds) expect(docs).toContain(`\n| ${kind} | `)
  })
})
