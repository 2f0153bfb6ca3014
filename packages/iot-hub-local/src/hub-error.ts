/** Codes of IoT Hub with their HTTP status; the first three digits of the number are the status it is sent with. */
const codes = {
  ArgumentInvalid: 400004,
  MalformedTwin: 400000,
  UnauthorizedAccess: 401002,
  DeviceMaximumQueueDepthExceeded: 403004,
  IotHubQuotaExceeded: 403002,
  DeviceNotFound: 404001,
  DeviceNotOnline: 404103,
  DeviceAlreadyExists: 409001,
  PreconditionFailed: 412002,
  MessageTooLarge: 413001,
  ThrottlingException: 429001,
  ServerError: 500001,
  ServiceUnavailable: 503001,
  GatewayTimeout: 504101,
} as const

export type HubErrorName = keyof typeof codes

/** A refusal in the words of IoT Hub. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly errorName: HubErrorName

  constructor(errorName: HubErrorName, message: string) {
    super(message)
    this.errorName = errorName
  }

  /** Such as 404103. */
  get code(): number {
    return codes[this.errorName]
  }

  /** HTTP status, such as 404. */
  get status(): number {
    return Math.floor(this.code / 1000)
  }
}
