const namespace = 'http://www.w3.org/2000/svg'

function path(d: string, className: string): SVGPathElement {
  const element = document.createElementNS(namespace, 'path')
  element.setAttribute('d', d)
  element.setAttribute('class', className)
  return element
}

/** The sign of Millrace: a stream drawn together through a gate. */
export function mark(): SVGSVGElement {
  const svg = document.createElementNS(namespace, 'svg')
  svg.setAttribute('viewBox', '0 0 32 32')
  svg.setAttribute('class', 'mark')
  svg.setAttribute('aria-hidden', 'true')
  svg.append(
    path('M2 8c6 0 7 5.4 14 5.4S24 8 30 8', 'mark-water'),
    path('M2 16h28', 'mark-water'),
    path('M2 24c6 0 7-5.4 14-5.4S24 24 30 24', 'mark-water'),
    path('M16 2v7.5M16 22.5V30', 'mark-gate'),
  )
  return svg
}
