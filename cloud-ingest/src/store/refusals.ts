import type { WriteAnswer } from './influxdb-http.ts'

export interface RefusedLine {
  index: number
  reason: 'beyond-retention' | 'refused-by-store'
  detail: string
}

/** Writes the lines in [from, to). */
type Post = (from: number, to: number) => Promise<WriteAnswer>

interface Search {
  post: Post
  refused: RefusedLine[]
}

/** Writes `count` lines and finds the refused ones by halving: lines that were kept may be written again without effect. */
export async function writeBisecting(count: number, post: Post): Promise<RefusedLine[]> {
  const refused: RefusedLine[] = []
  await visit({ from: 0, to: count }, await post(0, count), { post, refused })
  return refused
}

async function visit(span: { from: number; to: number }, answer: WriteAnswer, search: Search): Promise<void> {
  if (answer.kind === 'kept') return
  const { from, to } = span
  const all = to - from === 1 || (answer.kind === 'refused' && (answer.dropped ?? 0) >= to - from)
  if (all) {
    for (let index = from; index < to; index++) search.refused.push(describeRefusal(index, answer))
    return
  }
  const middle = (from + to) >> 1
  const left = await search.post(from, middle)
  await visit({ from, to: middle }, left, search)
  await visit({ from: middle, to }, infer(answer, left) ?? (await search.post(middle, to)), search)
}

function isRetention(answer: WriteAnswer): answer is WriteAnswer & { kind: 'refused'; dropped: number } {
  return answer.kind === 'refused' && answer.dropped !== undefined && /retention/i.test(answer.detail)
}

/**
 * What the right half would answer, where whole and left half tell. Only the count of points beyond retention
 * covers the whole request; that of other refusals stops at the first shard that refused.
 */
function infer(whole: WriteAnswer, left: WriteAnswer): WriteAnswer | undefined {
  if (isRetention(whole) && (left.kind === 'kept' || isRetention(left))) {
    const dropped = whole.dropped - (left.kind === 'kept' ? 0 : left.dropped)
    return dropped <= 0 ? { kind: 'kept' } : { ...whole, dropped }
  }
  if (whole.kind === 'refused' && left.kind === 'kept') return { ...whole, dropped: undefined }
  return undefined
}

function describeRefusal(index: number, answer: WriteAnswer): RefusedLine {
  if (answer.kind !== 'refused') return { index, reason: 'refused-by-store', detail: 'one line is too large' }
  const reason = /retention/i.test(answer.detail) ? 'beyond-retention' : 'refused-by-store'
  return { index, reason, detail: answer.detail }
}
