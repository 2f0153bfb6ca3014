import { fileURLToPath } from 'node:url'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Entry files of the services. They are started as processes and never imported. */
export const apps = {
  simulator: fromRoot('device-simulator/src/main.ts'),
  agent: fromRoot('edge-agent/src/main.ts'),
  ingest: fromRoot('cloud-ingest/src/main.ts'),
  millrace: fromRoot('packages/cli/src/main.ts'),
} as const

export type App = keyof typeof apps

/** The starter rules, which people edit. */
export const rulesFolder = fromRoot('alert-rules')

/** The built page. */
export const pageFolder = fromRoot('dashboards/live/dist')

/** Arguments for Node to run an app. */
export function appArguments(app: App, args: readonly string[]): string[] {
  return ['--disable-warning=ExperimentalWarning', apps[app], ...args]
}
