import { h } from './dom.ts'

const example = `mosquitto_pub -q 1 -t telemetry/home/desk -m '{"readings":{"temperature":21.4}}'`

/** Shown while there is no series at all: either still asking, or truly none. */
export function welcome(loaded: boolean): HTMLElement {
  if (!loaded) return h('p', { class: 'hint loading', role: 'status' }, 'Asking the ingest what it knows …')
  return h(
    'div',
    { class: 'hint welcome' },
    h('h2', {}, 'No reading has arrived yet.'),
    h('p', {}, 'The ingest is running and waiting. Send a first reading to the agent on this machine:'),
    h('pre', {}, h('code', {}, example)),
    h(
      'p',
      {},
      'It appears here as soon as the agent has it on its disk. ',
      h('code', {}, 'npm start'),
      ' runs a whole fleet instead.',
    ),
  )
}
