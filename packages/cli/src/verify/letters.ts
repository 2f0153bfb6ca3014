import { z } from 'zod'

/** A reading that an agent acknowledged, decoded and then had to set aside. */
const namedReading = z.object({
  metric: z.string(),
  ts: z.number(),
  seq: z.number().optional(),
  boot: z.string().optional(),
  value: z.number(),
})
export type NamedReading = z.infer<typeof namedReading>

/** What is kept of some that came too late for their windows. */
export interface TooLateLetter {
  site: string
  device: string
  /** Those that it names; it may stand for more. */
  readings: NamedReading[]
}

const letterAnswer = z.object({
  site: z.string().nullable(),
  device: z.string().nullable(),
  body: z.base64(),
  places: z.array(z.object({ nth: z.number() })),
})
type LetterAnswer = z.infer<typeof letterAnswer>

const lettersAtOnce = 8
const path = '/api/dead-letters/too-late'

/** JSON at a path of the agent; undefined where there is none. */
type Find = (path: string) => Promise<unknown>

async function letterAt(find: Find, query: string): Promise<LetterAnswer | undefined> {
  const answer = await find(`${path}${query}`)
  return answer === undefined ? undefined : letterAnswer.parse(answer)
}

/** None where it is not what an agent of this version writes. */
function readingsIn(body: string): NamedReading[] {
  try {
    return z.array(namedReading).parse(JSON.parse(Buffer.from(body, 'base64').toString('utf8')))
  } catch {
    return []
  }
}

/** Every letter of that reason whose body the agent keeps. */
export async function tooLateLetters(find: Find): Promise<TooLateLetter[]> {
  const newest = await letterAt(find, '')
  const letters: TooLateLetter[] = []
  const places = (newest?.places ?? []).values()
  const worker = async () => {
    for (const { nth } of places) {
      const { site, device, body = '' } = (await letterAt(find, `?nth=${nth}`)) ?? {}
      if (site != null && device != null) letters.push({ site, device, readings: readingsIn(body) })
    }
  }
  await Promise.all(Array.from({ length: lettersAtOnce }, worker))
  return letters
}
