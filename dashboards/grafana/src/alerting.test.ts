import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { grafanaTexts } from '../../../packages/cli/src/commands/rules-grafana.ts'

const root = join(import.meta.dirname, '../../..')
const folder = join(root, 'dashboards/grafana/provisioning/alerting')
const read = async (name: string) => parse(await readFile(join(folder, name), 'utf8')) as unknown
const uid = z.string().regex(/^[\w-]{1,40}$/)

const model = z.union([
  z.strictObject({
    ...{ refId: z.string(), datasource: z.strictObject({ type: z.literal('influxdb'), uid }), query: z.string() },
    ...{ rawQuery: z.literal(true), resultFormat: z.literal('time_series') },
    ...{ intervalMs: z.int().positive(), maxDataPoints: z.int().positive() },
  }),
  z.strictObject({
    ...{ refId: z.string(), datasource: z.strictObject({ type: z.literal('__expr__'), uid: z.literal('__expr__') }) },
    ...{ type: z.enum(['reduce', 'math']), expression: z.string() },
    reducer: z.enum(['min', 'max', 'last', 'count']).optional(),
    settings: z.strictObject({ mode: z.literal('dropNN') }).optional(),
  }),
])

/** The keys and states that the readers of Grafana 9.4 and of 11 both know; an unknown state keeps Grafana from starting. */
const rulesFile = z.strictObject({
  apiVersion: z.literal(1),
  groups: z.array(
    z.strictObject({
      ...{ orgId: z.literal(1), name: z.string(), folder: z.string(), interval: z.string().regex(/^\d+0s$/) },
      rules: z.array(
        z.strictObject({
          ...{ uid, title: z.string(), condition: z.string() },
          data: z.array(
            z.strictObject({
              ...{ refId: z.string(), datasourceUid: uid, model },
              relativeTimeRange: z.strictObject({ from: z.int(), to: z.int() }),
            }),
          ),
          ...{ noDataState: z.enum(['NoData', 'Alerting', 'OK']), execErrState: z.enum(['Error', 'Alerting', 'OK']) },
          for: z.string().regex(/^\d+[smh]$/),
          labels: z.record(z.string(), z.string()),
          annotations: z.record(z.string(), z.string()),
        }),
      ),
    }),
  ),
})

const contactsFile = z.strictObject({
  apiVersion: z.literal(1),
  contactPoints: z.array(
    z.strictObject({
      ...{ orgId: z.literal(1), name: z.string() },
      receivers: z.array(
        z.strictObject({ uid, type: z.enum(['webhook', 'email']), settings: z.record(z.string(), z.unknown()) }),
      ),
    }),
  ),
})

const route = z.strictObject({
  receiver: z.string(),
  object_matchers: z.array(z.tuple([z.string(), z.enum(['=', '!=', '=~', '!~']), z.string()])),
  repeat_interval: z.string(),
})
const policiesFile = z.strictObject({
  apiVersion: z.literal(1),
  policies: z.array(
    z.strictObject({
      ...{ orgId: z.literal(1), receiver: z.string(), group_by: z.array(z.string()), routes: z.array(route) },
      ...{ group_wait: z.string(), group_interval: z.string(), repeat_interval: z.string() },
    }),
  ),
})

test('the committed files are what the rules make (millrace rules grafana --out dashboards/grafana/provisioning/alerting)', async () => {
  const flags = { window: '1m', source: 'millrace-influxdb', folder: 'Millrace rules' }
  const texts = grafanaTexts(join(root, 'alert-rules'), flags)
  for (const [name, text] of Object.entries(texts)) expect(await readFile(join(folder, name), 'utf8'), name).toBe(text)
  expect((await readdir(folder)).sort()).toEqual(Object.keys(texts).sort())
})

test('the rules have only what Grafana 9.4 and 11 both read, and what each refers to is there', async () => {
  const sources = parse(
    await readFile(join(root, 'dashboards/grafana/provisioning/datasources/influxdb.yaml'), 'utf8'),
  ) as { datasources: { uid: string }[] }
  const known = ['__expr__', ...sources.datasources.map((source) => source.uid)]
  const { groups } = rulesFile.parse(await read('millrace-rules.yaml'))
  const rules = groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThan(0)
  expect(new Set(rules.map((rule) => rule.uid)).size).toBe(rules.length)
  for (const { data, condition, title } of rules) {
    const refs = data.map(({ refId }) => refId)
    expect(refs, title).toContain(condition)
    expect(new Set(refs).size).toBe(refs.length)
    for (const { datasourceUid, model: asked } of data) {
      expect(known).toContain(datasourceUid)
      if (!('type' in asked)) continue
      const named = asked.type === 'reduce' ? [asked.expression] : asked.expression.match(/(?<=\$)\w+/g)
      for (const name of named ?? []) expect(refs).toContain(name)
    }
  }
})

test('no text of a rule has a dollar that some version would take for a variable', async () => {
  const { groups } = rulesFile.parse(await read('millrace-rules.yaml'))
  for (const { labels, annotations, data } of groups.flatMap((group) => group.rules)) {
    expect(JSON.stringify([labels, annotations])).not.toContain('$')
    expect(JSON.stringify(data[0])).not.toMatch(/\$(?!\/)/)
  }
})

test('notices go to a contact point that is there, by addresses that the compose file gives', async () => {
  const { contactPoints } = contactsFile.parse(await read('millrace-contacts.yaml'))
  const { policies } = policiesFile.parse(await read('millrace-policies.yaml'))
  const names = contactPoints.map(({ name }) => name)
  for (const { receiver, routes } of policies)
    for (const name of [receiver, ...routes.map((one) => one.receiver)]) expect(names).toContain(name)
  const { grafana } = (parse(await readFile(join(root, 'docker-compose.yml'), 'utf8')) as Compose).services
  const used = [...JSON.stringify(contactPoints).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!)
  expect(used.length).toBe(2)
  for (const name of used) expect(Object.keys(grafana.environment)).toContain(name)
})

interface Compose {
  services: { grafana: { environment: Record<string, string> } }
}
