/** What to tell the user of a change that did not come about. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return `Not done: ${message}.`.replace(/\.\.$/, '.')
}
