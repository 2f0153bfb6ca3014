import { isName } from '@millrace/contracts'
import { z } from 'zod'
import { channels } from './channels/index.ts'
import { channelSettings, matchSettings, paceSettings } from './settings.ts'

const text = z.string().max(256)
const globText = z.string().min(1).max(128)

/** What a Date can hold, epoch ms. */
const time = z.number().min(-8.64e15).max(8.64e15)

/** A silence as people post it; `ISO 8601` or epoch ms in config files, epoch ms here. */
export const newSilenceSchema = z
  .strictObject({
    match: z.strictObject({
      rule: globText.optional(),
      site: globText.optional(),
      device: globText.optional(),
      metric: globText.optional(),
      labels: z.record(z.string().refine(isName), globText).optional(),
    }),
    fromMs: time,
    untilMs: time,
    by: text.min(1),
    reason: text.default(''),
  })
  .refine(({ fromMs, untilMs }) => untilMs > fromMs, { path: ['untilMs'], message: 'a time after fromMs' })

const moment = z.iso.datetime({ offset: true }).transform((iso) => Date.parse(iso))

const silenceSettings = z
  .strictObject({
    match: matchSettings.omit({ severity: true }).extend({
      rule: globText.optional(),
      site: globText.optional(),
      device: globText.optional(),
      metric: globText.optional(),
    }),
    from: moment,
    until: moment,
    reason: text.default(''),
  })
  .refine(({ from, until }) => until > from, { path: ['until'], message: 'a time after `from`' })

/** The setting `notify` of agent and ingest; an absent one tells nobody. */
export const notifySchema = z
  .strictObject({
    channels: z
      .array(channels.schema)
      .refine(
        (list) => new Set(list.map((one) => channelSettings.parse(one).name)).size === list.length,
        'names that differ',
      )
      .default([]),
    silences: z.array(silenceSettings).default([]),
    ...paceSettings.shape,
  })
  .prefault({})

export type NotifyConfig = z.output<typeof notifySchema>
