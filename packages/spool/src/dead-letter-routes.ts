import { checkConfig, type HttpServer, refusalOf } from '@millrace/pipeline'
import { z } from 'zod'
import { deadLetters, type KeptLetter, maxBodyBytes } from './modules/dead-letters.ts'
import type { Spool } from './types.ts'

export interface DeadLetterContext {
  spool: Spool
  /**
   * Takes it anew, and out of the letters in the same transaction; on disk when it resolves, with what became of it.
   * Resolves with `replayed: false` and the reason where it is left as it is.
   */
  replay(letter: KeptLetter): Promise<Replayed>
}

export interface Replayed {
  replayed: boolean
  message: string
}

const reasonSchema = z.string().regex(/^[a-z0-9-]{1,64}$/)
const placeSchema = z.coerce.number().int().positive()
const showQuery = z.object({ nth: placeSchema.optional() })
const replayBody = z.strictObject({
  reason: reasonSchema,
  nth: z.int().positive().optional(),
  /** All that are kept of the reason. */
  all: z.boolean().default(false),
})

const noLetter = { error: 'not-found', message: 'no body of that reason and place is kept' }

function shown({ body, ...letter }: KeptLetter) {
  const cut = body.byteLength >= maxBodyBytes
  return { ...letter, bytes: body.byteLength, cut, body: Buffer.from(body).toString('base64') }
}

async function replayOne(letter: KeptLetter, replay: DeadLetterContext['replay']): Promise<Replayed> {
  if (letter.body.byteLength >= maxBodyBytes) {
    const message = `only its first ${maxBodyBytes / 1024} KiB were kept, so it cannot be replayed`
    return { replayed: false, message }
  }
  return await replay(letter)
}

interface Wanted {
  reason: string
  places: { nth: number | undefined; all: boolean }
}

async function placesOf(spool: Spool, { reason, places: { nth, all } }: Wanted): Promise<number[]> {
  if (all) return (await deadLetters.places(spool, reason)).map((place) => place.nth)
  const one = await deadLetters.one(spool, reason, nth)
  return one ? [one.nth] : []
}

async function replayAll({ spool, replay }: DeadLetterContext, wanted: Wanted) {
  const outcomes: (Replayed & { nth: number })[] = []
  for (const nth of await placesOf(spool, wanted)) {
    const letter = await deadLetters.one(spool, wanted.reason, nth)
    if (letter) outcomes.push({ nth, ...(await replayOne(letter, replay)) })
  }
  return outcomes
}

async function serveReplay(app: HttpServer['app'], { spool, replay }: DeadLetterContext): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    const message = refusalOf(request)
    if (message !== undefined) await reply.code(403).send({ error: 'forbidden', message })
  })
  // One after the other: a letter that is being replayed is not replayed by somebody else as well.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }
  app.post('/api/dead-letters/replay', async ({ body }, reply) => {
    const { reason, nth, all } = checkConfig(body, replayBody, 'the body')
    const letters = await inTurn(() => replayAll({ spool, replay }, { reason, places: { nth, all } }))
    return letters.length > 0 ? { reason, letters } : await reply.code(404).send(noLetter)
  })
}

/** Letters by reason, one body, and replaying them once their cause is mended. */
export function serveDeadLetters(app: HttpServer['app'], context: DeadLetterContext): void {
  const { spool } = context
  app.get('/api/dead-letters', async () => ({ letters: await deadLetters.inspect(spool) }))
  app.get<{ Params: { reason: string } }>('/api/dead-letters/:reason', async ({ params, query }, reply) => {
    const { nth } = checkConfig(query, showQuery, 'the query')
    const reason = checkConfig(params.reason, reasonSchema, 'the reason')
    const letter = await deadLetters.one(spool, reason, nth)
    if (!letter) return await reply.code(404).send(noLetter)
    return { ...shown(letter), places: await deadLetters.places(spool, reason) }
  })
  void app.register(async (scope) => await serveReplay(scope, context))
}
