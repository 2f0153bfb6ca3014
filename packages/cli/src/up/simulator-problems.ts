import { execFile } from 'node:child_process'
import { type Problem, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { appArguments } from '../apps.ts'
import { simulatorFlags, type UpFlags } from './options.ts'

const problemsSchema = z.array(z.object({ path: z.string(), found: z.string(), expected: z.string() }))

/** A setting's path as the flag that set it. */
const flagOf = (path: string) => `--${path.split('.')[0]!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

function parse(output: string): Problem[] | undefined {
  try {
    return problemsSchema.parse(JSON.parse(output))
  } catch {
    return undefined
  }
}

/** Problems of the flags that are for the simulator, told by itself, as it alone knows what they may be. */
export async function simulatorProblems(flags: UpFlags): Promise<Problem[]> {
  const args = appArguments('simulator', ['--check', ...simulatorFlags(flags)])
  const [output, said] = await new Promise<[string, string]>((resolve) => {
    execFile(process.execPath, args, (_error, stdout, stderr) => resolve([stdout, stderr]))
  })
  const problems = parse(output)
  if (!problems) throw new UsageError(`the simulator cannot check its flags; it said:\n${said.trim()}`)
  return problems.map(({ path, found, expected }) => {
    const place = path.split('.').slice(1).join('.')
    return { path: flagOf(path), found: place ? `${place}: ${found}` : found, expected }
  })
}
