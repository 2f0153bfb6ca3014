/** What a failure asks for; all of them are tried again for ever. */
export type HubFate =
  /** The network or the hub: soon again. */
  | 'wait'
  /** Too fast: less at a time, and later. */
  | 'slow-down'
  /** The day's quota is used up: every ten minutes. */
  | 'hold'
  /** The hub does not take this device: once at once with a fresh token, then every five minutes. */
  | 'identity'
  /** This one message will never be taken. */
  | 'set-aside'

export interface HubFailure {
  fate: HubFate
  /** A sentence for a person, with the setting to look at. */
  reason: string
}

interface Rule {
  pattern: RegExp
  fate: HubFate
  reason: string
}

const clockHint = "this machine's clock"

/**
 * By name and message of the SDK's errors, the first that matches. The SDK says "Not authorized" of every failure of a
 * first connection; what really happened stands behind it.
 */
const rules: readonly Rule[] = [
  {
    pattern: /QuotaExceeded|403002/i,
    fate: 'hold',
    reason: 'the daily quota of the hub is used up (403002): a higher tier, more units, or a lower maxBlocksPerDay',
  },
  { pattern: /Throttling|429001/i, fate: 'slow-down', reason: 'the hub throttles this device (429001)' },
  {
    pattern: /MessageTooLarge|greater than 256KiB|413001/i,
    fate: 'set-aside',
    reason: 'the message is larger than the 256 KB that the hub takes',
  },
  {
    pattern: /ArgumentError|FormatError|ArgumentOutOfRange|Invalid topic/i,
    fate: 'set-aside',
    reason: 'the hub cannot take the form of the message',
  },
  {
    pattern: /unable to verify|unable to get|self.signed|certificate signature|unknown ca/i,
    fate: 'wait',
    reason: "the hub's certificate was signed by an authority that is not trusted here: look at `ca`",
  },
  {
    pattern: /certificate has expired|not yet valid/i,
    fate: 'wait',
    reason: `the hub's certificate is not valid now: look at ${clockHint}`,
  },
  {
    pattern: /altnames|Hostname\/IP/i,
    fate: 'wait',
    reason: "the hub's certificate is for another name: look at the host name, or at `gateway`",
  },
  {
    pattern: /wrong version number|packet length too long|EPROTO/i,
    fate: 'wait',
    reason: 'the other side does not speak TLS: look at host and port, or at `gateway`',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|getaddrinfo/i,
    fate: 'wait',
    reason: 'the name of the hub is not found: look at the host name (or `gateway`), and at the network',
  },
  {
    pattern: /ECONNREFUSED/i,
    fate: 'wait',
    reason: 'nobody listens there: look at the host name (or `gateway`) and its port',
  },
  {
    pattern: /ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|connack timeout|before secure TLS/i,
    fate: 'wait',
    reason: 'the hub cannot be reached: look at the network, and whether a firewall lets port 8883 out (else mqtt-ws)',
  },
  {
    pattern: /Server unavailable|ServiceUnavailable|InternalServer|50[034]\d{3}|GatewayTimeout/i,
    fate: 'wait',
    reason: 'the hub is not available for the moment',
  },
  {
    pattern: /Connection refused|Identifier rejected|Bad username|UnauthorizedError.*mqtt\.js|DeviceNotFound|401|404/i,
    fate: 'identity',
    reason:
      `the hub refuses this device: look at the key or certificate, whether the device exists there and is enabled, ` +
      `the host name, and ${clockHint}`,
  },
  { pattern: /not acknowledged|TimeoutError/i, fate: 'wait', reason: 'the hub did not answer in time' },
]

const lost: HubFailure = { fate: 'wait', reason: 'the connection to the hub was lost' }

/** Without the words that the SDK puts before every first failure. */
function plain(error: unknown): string {
  const { name = '', message = String(error) } = (error ?? {}) as Partial<Error>
  const [, behind] = /Failure on first connection \(Not authorized\): (.*)/s.exec(message) ?? []
  return behind ?? `${name} ${message}`
}

/** What an error of the SDK means and what to do about it. */
export function explainHubFailure(error: unknown): HubFailure {
  const text = plain(error)
  const rule = rules.find(({ pattern }) => pattern.test(text))
  if (!rule) return text.trim() === '' ? lost : { fate: 'wait', reason: `${lost.reason} (${text.trim()})` }
  return { fate: rule.fate, reason: rule.fate === 'identity' ? rule.reason : `${rule.reason} (${text.trim()})` }
}
