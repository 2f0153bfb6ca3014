export interface KeyGroup {
  title: string
  keys: readonly (readonly [keys: string, does: string])[]
}

/** What the help tells; the keys are handled where they act. */
export const keyGroups: readonly KeyGroup[] = [
  {
    title: 'Everywhere',
    keys: [
      ['?', 'this help'],
      ['/', 'search sites, devices and metrics'],
      ['1 … 9', 'the views, as in the navigation'],
      ['Tab', 'to the next control'],
      ['Esc', 'close, leave the search'],
    ],
  },
  {
    title: 'Fleet',
    keys: [
      ['← ↑ → ↓', 'from device to device'],
      ['Enter', 'open the device'],
    ],
  },
  {
    title: 'A chart',
    keys: [
      ['← →', 'read window by window'],
      ['Shift ← →', 'move the range'],
      ['+ −', 'zoom'],
      ['0', 'undo the zoom'],
      ['↑ ↓', 'from chart to chart'],
      ['Esc', 'back to now'],
    ],
  },
  {
    title: 'By hand',
    keys: [
      ['Drag', 'zoom in; on a touch screen, move the range'],
      ['Shift drag', 'move the range'],
      ['Pinch', 'zoom'],
      ['Double click', 'undo the zoom'],
      ['Tap', 'read the values of that moment'],
    ],
  },
]
