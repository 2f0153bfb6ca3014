/** Every code that an error of ours can carry, with the exit code of a process that ends by it. docs/errors.md says what to do about each. */
export const errorCodes = {
  usage: 2,
  'config-unreadable': 2,
  'config-syntax': 2,
  'config-invalid': 2,
  'secret-unreadable': 2,
  'token-required': 2,
  'credentials-required': 2,
  'port-taken': 2,
  'address-refused': 2,
  unreachable: 3,
  'spool-locked': 1,
  'spool-foreign': 2,
  'spool-version': 2,
  'spool-full': 1,
  'spool-failed': 1,
  'spool-closed': 1,
  'sqlite-too-old': 1,
  'package-missing': 2,
  'store-foreign': 1,
  'store-locked': 1,
  'check-failed': 1,
  internal: 1,
} as const

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  /** What the reader can do about it. */
  hint?: string
  cause?: unknown
}

/** An error that a person is meant to read: printed without a stack. */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  readonly code: ErrorCode
  declare readonly hint?: string

  constructor(code: ErrorCode, message: string, { hint, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    if (hint !== undefined) this.hint = hint
  }

  get exitCode(): number {
    return errorCodes[this.code]
  }
}

/** One thing wrong in a config file or on a command line. */
export interface Problem {
  /** Where: dotted path of a setting with its line, or a flag. */
  path: string
  found: string
  /** What is allowed there. */
  expected: string
}

/** Wrong usage or configuration, every problem at once; exit code 2. */
export class UsageError extends MillraceError {
  override readonly name = 'UsageError'
  readonly problems: readonly Problem[]

  constructor(message: string, problems: readonly Problem[] = [], details: ErrorDetails & { code?: ErrorCode } = {}) {
    super(details.code ?? 'usage', message, details)
    this.problems = problems
  }
}

/** A server that is needed did not answer; exit code 3. */
export class UnreachableError extends MillraceError {
  override readonly name = 'UnreachableError'

  constructor(message: string, details: ErrorDetails = {}) {
    super('unreachable', message, details)
  }
}

/** The spool has no room for this write; nothing of it was written. */
export class SpoolFullError extends MillraceError {
  override readonly name = 'SpoolFullError'

  constructor(message: string, details: ErrorDetails = {}) {
    super('spool-full', message, details)
  }
}

/** The text a person sees: message, problems and hint of our own errors, the stack of any other. */
export function describeError(error: unknown): string {
  if (!(error instanceof MillraceError)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  const problems = error instanceof UsageError ? error.problems : []
  const lines = problems.map(({ path, found, expected }) => `  ${path}: found ${found}; allowed: ${expected}`)
  return [error.message, ...lines, ...(error.hint ? [error.hint] : []), `[${error.code}]`].join('\n')
}

/** Exit code of a process that ends by this error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof MillraceError ? error.exitCode : 1
}
