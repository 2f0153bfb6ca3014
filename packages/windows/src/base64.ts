const perCall = 8192

/** Standard alphabet, padded. */
export function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += perCall) binary += String.fromCharCode(...bytes.subarray(i, i + perCall))
  return btoa(binary)
}

/** Throws RangeError on text that is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    throw new RangeError('no base64')
  }
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i)
  return bytes
}
