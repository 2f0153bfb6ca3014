import { z } from 'zod'
import { endTimeMs } from './limits.ts'
import { nameSchema } from './name.ts'

/** The ingest keeps the newest so many. */
export const maxMarks = 1_000

const time = z.number().min(0).max(endTimeMs)

/** Something that happened, to be seen beside the readings: a deployment, a drill, a note. Times are event time, epoch ms. */
export const markSchema = z.object({
  id: nameSchema,
  /** What sort of thing; the page tells drills that go on in its head. */
  kind: nameSchema,
  /** A few words. */
  text: z.string().trim().min(1).max(200),
  from: time,
  /** The same as `from` for a moment; null where it goes on and nobody knows how long. */
  to: time.nullable(),
})
export type Mark = z.infer<typeof markSchema>

/**
 * Body of `POST /api/marks`. Without an id it is a new mark, with the id of one it replaces it. Without `from` it begins
 * now; without `to` it is a moment.
 */
export const newMarkSchema = z
  .strictObject({
    id: markSchema.shape.id.optional(),
    kind: markSchema.shape.kind.default('note'),
    text: markSchema.shape.text,
    from: markSchema.shape.from.optional(),
    to: markSchema.shape.to.optional(),
  })
  .refine(({ from, to }) => from === undefined || to == null || to >= from, {
    message: 'not before `from`',
    path: ['to'],
  })
export type NewMark = z.infer<typeof newMarkSchema>

/** `GET /api/marks?from=&to=`: those that touch the span, oldest first; all of them without one. */
export interface MarksResponse {
  at: number
  marks: Mark[]
}

/** Event `mark` of `GET /api/live`. */
export type LiveMarkEvent = Mark
