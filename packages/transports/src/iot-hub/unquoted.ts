/** Connection strings are often copied with the quotes of a shell or of JSON around them. */
export function unquoted(text: string): string {
  return /^(["'])(.*)\1$/.exec(text.trim())?.[2] ?? text
}
