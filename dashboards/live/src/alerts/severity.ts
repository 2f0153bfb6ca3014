import type { Severity } from '@millrace/contracts'
import { h } from '../view/dom.ts'
import { severityNames } from './alert-words.ts'

const namespace = 'http://www.w3.org/2000/svg'

/** A shape of its own for each, so that none is told by its colour alone. */
const shapes: Readonly<Record<Severity, string>> = {
  critical: 'M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z',
  warning: 'M8 1.2 15.4 14.6H.6z',
  info: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1z',
}
const signs: Readonly<Record<Severity, string>> = {
  critical: 'M8 4.2v4.6M8 11.4v.4',
  warning: 'M8 5.8v4M8 12.2v.3',
  info: 'M8 4.3v.3M8 7.2v4.6',
}

function path(d: string, className: string): SVGPathElement {
  const element = document.createElementNS(namespace, 'path')
  element.setAttribute('d', d)
  element.setAttribute('class', className)
  return element
}

export function severityIcon(severity: Severity): SVGSVGElement {
  const svg = document.createElementNS(namespace, 'svg')
  svg.setAttribute('viewBox', '0 0 16 16')
  svg.setAttribute('class', 'severity-icon')
  svg.setAttribute('aria-hidden', 'true')
  svg.append(path(shapes[severity], 'severity-shape'), path(signs[severity], 'severity-sign'))
  return svg
}

/** Icon and word. */
export function severityMark(severity: Severity): HTMLElement {
  return h('span', { class: 'severity', 'data-severity': severity }, severityIcon(severity), severityNames[severity])
}
