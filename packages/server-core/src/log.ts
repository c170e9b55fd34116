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
  const target = format === 'json' ? sink : { write: (line: string) => void sink.write(pretty(line)) }
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

function printable(fields: LogFields | undefined): LogFields {
  if (!fields) return {}
  const { error, ...rest } = fields
  if (error === undefined) return rest
  return { ...rest, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
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
    ([key, value]) => ` ${key}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`,
  )
  const text = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(msg)}${rest.join('')}`
  const trace = error === undefined ? '' : `\n    ${escaped(String(error)).replaceAll('\n', '\n    ')}`
  return `${colour}${text}${trace}${colour && '\u001b[0m'}\n`
}

function quoted(value: string): string {
  return /^[\w@.:/+-]+$/.test(value) ? value : JSON.stringify(value)
}

/** Control characters never reach a terminal. */
function escaped(text: string): string {
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
