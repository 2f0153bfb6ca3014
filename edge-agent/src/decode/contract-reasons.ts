import {
  maxAbsoluteValue,
  maxMessageBytes,
  maxMetricsPerObject,
  maxReadingsPerMessage,
  type SetAsideReason,
} from '@millrace/contracts'

const wanted: Partial<Record<SetAsideReason, string>> = {
  'bad-json': 'it is no JSON',
  'bad-utf8': 'it is no UTF-8',
  'bad-shape': 'wanted: {"ts", "seq", "boot", "readings": {...}}, all but readings optional, or an array of these',
  'bad-time': 'a time from 2000 to 2100 is epoch milliseconds, seconds, or ISO 8601 with its zone',
  'bad-name': 'a name has 1 to 64 of A-Z a-z 0-9 . _ : -',
  'bad-topic': 'no decoder takes this topic',
  'bad-value': `a value is true, false or a number up to ${maxAbsoluteValue} in size`,
  'too-large': `a message has at most ${maxMessageBytes} bytes`,
  'too-deep': 'it is nested too deep',
  'too-many-metrics': `at most ${maxMetricsPerObject} metrics`,
  'too-many-readings': `at most ${maxReadingsPerMessage} readings in a message`,
  'too-many-series': 'no room for another series',
}

/** What the contract wants of a message that it sets aside, for people. */
export function contractWants(reason: SetAsideReason): string {
  return wanted[reason] ?? ''
}
