import { pino } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'
export type LogFields = { readonly [name: string]: unknown }

/** A log line is a constant sentence and fields: never a secret, never a whole stanza. */
export interface Logger {
  trace(text: string, fields?: LogFields): void
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  warn(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
  /** The same log with fields that every line carries. */
  with(fields: LogFields): Logger
  setLevel(level: LogLevel): void
}

/** Where lines go; `write` gets one line with its line feed. */
export interface LogSink {
  write(line: string): void
}

export interface LogOptions {
  readonly level: LogLevel
  readonly format: 'pretty' | 'json'
  readonly sink?: LogSink
}

/** Lines a second that one sentence may fill the log with; what is beyond is counted and told (threat: log flood). */
const BURST = 100

export function createLogger({ level, format, sink = process.stdout }: LogOptions): Logger {
  const target = { write: (line: string) => void sink.write(format === 'json' ? escaped(line) : pretty(line)) }
  const root = pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: name } },
    target,
  )
  const bursts = new Map<string, { second: number; lines: number }>()

  /** Whether a sentence still has room in this second. */
  function room(text: string): boolean {
    const second = Math.floor(Date.now() / 1000)
    const burst = bursts.get(text)
    if (!burst || burst.second !== second) {
      if (burst && burst.lines > BURST) root.warn({ line: text, lines: burst.lines - BURST }, 'lines left out')
      if (bursts.size > 1000) bursts.clear()
      bursts.set(text, { second, lines: 1 })
      return true
    }
    return ++burst.lines <= BURST
  }

  function logger(fields: LogFields): Logger {
    const write = (at: LogLevel) => (text: string, more?: LogFields) => {
      if (root.isLevelEnabled(at) && room(text)) root[at]({ ...fields, ...printable(more) }, text)
    }
    return {
      trace: write('trace'),
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      with: more => logger({ ...fields, ...more }),
      setLevel(next) {
        root.level = next
      },
    }
  }
  return logger({})
}

export const silentLogger: Logger = createLogger({ level: 'error', format: 'json', sink: { write: () => {} } })

function name(label: string): { level: string } {
  return { level: label }
}

/** What peers have a say in may be long: a line shows the beginning of it. */
const FIELD = 2000

function printable(fields: LogFields | undefined): LogFields {
  if (!fields) return {}
  const shown: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const text = value instanceof Error ? (value.stack ?? value.message) : key === 'error' ? String(value) : value
    shown[key] = typeof text === 'string' && text.length > FIELD ? `${text.slice(0, FIELD)}…` : text
  }
  return shown
}

const COLOURS: Record<string, string> = {
  warn: '\u001b[33m',
  error: '\u001b[31m',
  debug: '\u001b[2m',
  trace: '\u001b[2m',
}

function pretty(line: string): string {
  const { level, time, msg, error, ...fields } = JSON.parse(line) as Record<string, unknown>
  const colour = process.stdout.isTTY ? (COLOURS[String(level)] ?? '') : ''
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? quoted(value) : escaped(JSON.stringify(value))}`,
  )
  const text = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${escaped(String(msg)).replaceAll('\n', ' ')}${rest.join('')}`
  const trace = error === undefined ? '' : `\n    ${escaped(String(error)).replaceAll('\n', '\n    ')}`
  return `${colour}${text}${trace}${colour && '\u001b[0m'}\n`
}

function quoted(value: string): string {
  return /^[\w@.:/+-]+$/.test(value) ? value : escaped(JSON.stringify(value))
}

/** Control characters never reach a terminal, nor what turns the direction of text; inside of JSON it means the same. */
function escaped(text: string): string {
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
