import type { RulesStatus } from '@millrace/contracts'
import { h } from '../view/dom.ts'

const example = `# alert-rules/my-rules.yaml
rules:
  - id: freezer-warm
    at: edge              # judged by the agent, also without the cloud
    kind: threshold
    select: { site: home, device: 'freezer*', metric: temperature }
    above: -15
    clear: -17            # over only when it is this cold again
    for: 10m
    severity: critical
    message: '{device} is at {value} {unit}'`

/** What stands in the place of alerts where there is none: that all is well, or how to write a first rule. */
export function noAlerts(evaluators: readonly RulesStatus[]): HTMLElement {
  const rules = evaluators.reduce((sum, one) => sum + one.rules, 0)
  if (rules > 0) {
    const [verb, noun] = rules === 1 ? ['watches', 'rule'] : ['watch', 'rules']
    const text = `Nothing needs you. ${rules} ${noun} ${verb}; an alert appears here as soon as one is raised.`
    return h('p', { class: 'quiet' }, text)
  }
  return h(
    'div',
    { class: 'hint welcome' },
    h('h2', {}, 'No rule is in force yet.'),
    h(
      'p',
      {},
      'A rule says what is bad, for how long, and who judges it. Put this into a file of the folder of rules:',
    ),
    h('pre', {}, h('code', {}, example)),
    h(
      'p',
      {},
      'Say ',
      h('code', {}, 'rules: ./alert-rules'),
      ' in the config of the agent and the ingest. ',
      'Try it first:',
    ),
    h('pre', {}, h('code', {}, 'millrace rules check alert-rules\nmillrace rules backtest alert-rules --from -24h')),
    h(
      'p',
      {},
      'The second shows what would have been raised and cleared since yesterday. Files are taken up as they change.',
    ),
  )
}
