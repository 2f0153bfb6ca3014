import type { CompiledRule } from '../types.ts'
import { type GrafanaRule, grafanaRule } from './rule.ts'
import type { GrafanaSettings } from './sense.ts'

export interface GrafanaFiles {
  /** What is in each file of `provisioning/alerting`, by its name; written as YAML. */
  files: Record<string, object>
  /** Ids of the rules in them. */
  rules: string[]
}

/** Of the data source and the folder of rules that are not told otherwise. */
const defaults = { source: 'millrace-influxdb', folder: 'Millrace rules' }

/** How often Grafana asks, at most once for each window. */
function intervalOf({ windowMs }: GrafanaSettings): string {
  return `${Math.max(10, Math.ceil(windowMs / 10_000) * 10)}s`
}

/** Put in by Grafana when it reads the file. */
const fromEnvironment = (name: string) => `\${${name}}`

/** Where notices go: the two variables come from the environment of Grafana. */
function contactFile(): object {
  const webhook = { url: fromEnvironment('MILLRACE_ALERT_WEBHOOK'), httpMethod: 'POST' }
  return {
    apiVersion: 1,
    contactPoints: [
      {
        orgId: 1,
        name: 'millrace',
        receivers: [
          { uid: 'millrace-webhook', type: 'webhook', settings: webhook },
          {
            uid: 'millrace-email',
            type: 'email',
            settings: { addresses: fromEnvironment('MILLRACE_ALERT_EMAIL'), singleEmail: true },
          },
        ],
      },
    ],
  }
}

/** Replaces the whole tree of the organisation, as every policy file does. */
function policyFile(): object {
  const critical = { receiver: 'millrace', object_matchers: [['severity', '=', 'critical']], repeat_interval: '1h' }
  const times = { group_wait: '30s', group_interval: '5m', repeat_interval: '4h' }
  return {
    apiVersion: 1,
    policies: [
      {
        orgId: 1,
        receiver: 'millrace',
        group_by: ['grafana_folder', 'alertname', 'site'],
        ...times,
        routes: [critical],
      },
    ],
  }
}

/** What Grafana is provisioned with: the rules with `at: grafana`, a contact point, and who is told of what. */
export function grafanaFiles(
  rules: readonly CompiledRule[],
  settings: GrafanaSettings & { source?: string; folder?: string },
): GrafanaFiles {
  const whole = { ...defaults, ...settings }
  const own = rules.filter(({ at }) => at === 'grafana').map((rule) => grafanaRule(rule, whole))
  const made = own.filter((rule): rule is GrafanaRule => rule !== undefined)
  const group = { orgId: 1, name: 'millrace', folder: whole.folder, interval: intervalOf(whole), rules: made }
  return {
    files: {
      'millrace-rules.yaml': { apiVersion: 1, groups: made.length === 0 ? [] : [group] },
      'millrace-contacts.yaml': contactFile(),
      'millrace-policies.yaml': policyFile(),
    },
    rules: made.map(({ title }) => title),
  }
}
