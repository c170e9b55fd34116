import type { Awaitable } from './awaitable.ts'

/** One argument or flag of an admin command, as data: the CLI, forms and reference pages are made from it. */
export interface Parameter {
  readonly name: string
  readonly help: string
  readonly type: 'jid' | 'text' | 'secret' | 'number' | 'flag' | 'choice'
  readonly required?: boolean
  /** Positional on the command line; otherwise `--name`. */
  readonly positional?: boolean
  readonly choices?: readonly string[]
  /** Takes all remaining words. */
  readonly many?: boolean
}

export interface CommandRow {
  readonly [column: string]: string | number | boolean | undefined
}

/** What a command answers: a sentence, rows for a table, or both. */
export interface CommandResult {
  readonly text?: string
  readonly rows?: readonly CommandRow[]
}

export type CommandValues = { readonly [name: string]: string | number | boolean | readonly string[] | undefined }

/** An admin command, declared once by the module that owns it: the CLI and ad-hoc commands (XEP-0050) derive from it. */
export interface CommandSpec {
  /** Words as typed: `user add`. */
  readonly name: string
  readonly summary: string
  readonly parameters: readonly Parameter[]
  /** Runs on the host that this parameter names; otherwise on `--domain`, default the first one. */
  readonly hostFrom?: string
  /** Concerns other domains too: for whoever runs the server, not for the admins of one domain. */
  readonly isWide?: boolean
}

/** Throws {@link CommandError} with a sentence for the operator. */
export type RunCommand = (values: CommandValues) => Awaitable<CommandResult>

/** A command that a host can run. */
export interface Command extends CommandSpec {
  readonly run: RunCommand
}

/** Said to the operator as it is. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** Checks what was typed against what is declared. @throws CommandError that names the parameter */
export function readValues(command: CommandSpec, given: Readonly<Record<string, unknown>>): CommandValues {
  const values: Record<string, CommandValues[string]> = {}
  const known = new Set(command.parameters.map(parameter => parameter.name))
  for (const name of Object.keys(given)) if (!known.has(name)) throw new CommandError(`${name}: unknown parameter`)
  for (const parameter of command.parameters) {
    const value = Object.hasOwn(given, parameter.name) ? given[parameter.name] : undefined
    if (value === undefined || value === '') {
      if (parameter.required) throw new CommandError(`${parameter.name} is missing: ${parameter.help}`)
      continue
    }
    values[parameter.name] = readValue(parameter, value)
  }
  return values
}

function readValue(parameter: Parameter, value: unknown): CommandValues[string] {
  if (parameter.many) {
    if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value
    throw new CommandError(`${parameter.name} must be a list`)
  }
  switch (parameter.type) {
    case 'flag':
      return value === true || value === 'true' || value === '1'
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      if (typeof number !== 'number' || !Number.isFinite(number))
        throw new CommandError(`${parameter.name} must be a number`)
      return number
    }
    case 'choice':
      if (parameter.choices?.includes(String(value))) return String(value)
      throw new CommandError(`${parameter.name} must be one of ${parameter.choices?.join(', ')}`)
    default:
      if (typeof value === 'string') return value
      throw new CommandError(`${parameter.name} must be a text`)
  }
}
