import type { SourceState } from '@millrace/pipeline'

type Certificates = SourceState['certificates']

/** What the cloud is told of who sends to the agent, and of its certificates; small, as it is repeated. */
export function collectForCloud(
  { connections, denied = {}, quota, certificates = [] }: SourceState,
  own: Certificates,
) {
  const ends = [...certificates, ...(own ?? [])].map(({ notAfterMs }) => notAfterMs)
  return {
    ...(connections === undefined ? {} : { connections }),
    denied: Object.values(denied).reduce((sum, count) => sum + count, 0),
    ...(quota ? { waiting: quota.waiting, pauses: quota.pauses } : {}),
    ...(ends.length > 0 ? { certificateEndMs: Math.min(...ends) } : {}),
  }
}
