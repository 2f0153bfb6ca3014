import { relative } from 'node:path'
import { stackPaths } from './config-files.ts'
import type { UpOptions } from './options.ts'

/** Where `up` writes: whole lines that stay, and at a terminal one line at the bottom that is redrawn. */
export interface Screen {
  line(text: string): void
  /** Of a service, as it wrote it. */
  log(name: string, text: string): void
  status(text: string): void
  end(): void
}

export interface TextOutput {
  write(text: string): unknown
  columns?: number
}

interface LogEntry {
  level?: string
  msg?: string
  error?: { message?: string }
  [field: string]: unknown
}

const quietLevels = new Set(['debug', 'info', 'trace'])
const hiddenFields = new Set(['level', 'time', 'name', 'msg'])

function parseEntry(text: string): LogEntry | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as LogEntry
  } catch {
    return undefined
  }
}

function fieldTexts(entry: LogEntry): string {
  return Object.entries(entry)
    .filter(([name]) => !hiddenFields.has(name))
    .map(([name, value]) => ` ${name}=${name === 'error' ? (entry.error?.message ?? value) : JSON.stringify(value)}`)
    .join('')
}

const clockTime = () => new Date().toISOString().slice(11, 19)

function logLine(name: string, text: string): string {
  const entry = parseEntry(text)
  const said = entry ? `${entry.level ?? 'info'} ${entry.msg ?? ''}${fieldTexts(entry)}` : text
  return `${clockTime()} ${name.padEnd(9)} ${said}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal begin with one
const colour = /\x1b\[\d*m/y

/** The first columns of a line; colours take none. */
export function fitted(text: string, columns: number): string {
  let at = 0
  for (let shown = 0; at < text.length && shown < columns; ) {
    colour.lastIndex = at
    const ink = colour.exec(text)
    at += ink ? ink[0].length : 1
    if (!ink) shown++
  }
  return at < text.length ? `${text.slice(0, at)}\x1b[0m` : text
}

const clearLine = '\r\x1b[2K'
const clearLineAbove = '\x1b[1A\x1b[2K'

/** Keeps the status at the bottom, one line or several; of the services' logs only what needs attention is shown. */
export function terminalScreen(out: TextOutput): Screen {
  let status: string[] = []
  const clear = () => clearLine + clearLineAbove.repeat(Math.max(0, status.length - 1))
  const fit = (text: string) => fitted(text, Math.max(20, (out.columns ?? 80) - 1))
  const shown = () => status.map(fit).join('\n')
  const line = (text: string) => out.write(`${clear()}${text}\n${shown()}`)
  return {
    line,
    log(name, text) {
      const entry = parseEntry(text)
      if (entry && !quietLevels.has(entry.level ?? 'info')) line(logLine(name, text))
    },
    status(text) {
      const before = clear()
      status = text.split('\n')
      out.write(before + shown())
    },
    end() {
      out.write(clear())
      status = []
    },
  }
}

const plainProgressEveryMs = 10_000

/** Plain lines for files and service managers; of lines that tell progress, each kind at most every ten seconds. */
export function plainScreen(out: TextOutput, monotonic: () => number): Screen {
  const shownAt = new Map<string, number>()
  const line = (text: string) => out.write(`${text}\n`)
  const progress = (name: string, text: string) => {
    if (monotonic() - (shownAt.get(name) ?? Number.NEGATIVE_INFINITY) < plainProgressEveryMs) return
    shownAt.set(name, monotonic())
    line(logLine(name, text))
  }
  return {
    line,
    log: (name, text) => (parseEntry(text) || !isProgress(text) ? line(logLine(name, text)) : progress(name, text)),
    status: (text) => progress('millrace', text),
    end: () => undefined,
  }
}

/** As the simulator tells it every second. */
const isProgress = (text: string) => /^\d[\d.,]*\/s, /.test(text)

const defaultMqttPort = 1883

const shortPath = (path: string) => relative(process.cwd(), path) || '.'

/** What a person sees first. */
export function startText({ ports, dataDir, keys, hub, direct }: UpOptions): string {
  const port = ports.mqtt === defaultMqttPort ? '' : `-p ${ports.mqtt} `
  return [
    '',
    '  Millrace is running.',
    '',
    `  The page        http://localhost:${ports.http}`,
    ...(direct
      ? []
      : [`  Your reading    mosquitto_pub ${port}-q 1 -t telemetry/home/desk -m '{"readings":{"temperature":21.4}}'`]),
    `  The agent       http://localhost:${ports.agent}/api/status`,
    ...(hub || direct
      ? [`  IoT Hub, local  ${shortPath(stackPaths(dataDir).hub.connections)}: connection strings and the CA`]
      : []),
    `  Data            ${shortPath(dataDir)}`,
    keys
      ? '  Keys            k  kill -9 the agent    u  cut or restore the uplink    v  verify    q  stop'
      : '  Stop            Ctrl-C, or SIGTERM (SIGUSR2 cuts and restores the uplink)',
    '',
  ].join('\n')
}
