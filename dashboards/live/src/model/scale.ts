import { findMetric } from '@millrace/contracts'

/**
 * The value axis for what is in view: room above and below, and never finer than the sensor's own decimals,
 * so that a steady value is a flat line and not magnified noise. States keep 0 and 1 in sight.
 */
export function axisRange(metric: string, [min, max]: readonly [number, number]): [number, number] {
  const known = findMetric(metric)
  if (known?.kind === 'state') return [Math.min(min, 0) - 0.2, Math.max(max, 1) + 0.2]
  const finest = 2 * 10 ** -(known?.decimals ?? 6)
  const room = Math.max((max - min) * 0.12, finest, Math.abs(max) * 1e-9)
  return [min - room, max + room]
}
