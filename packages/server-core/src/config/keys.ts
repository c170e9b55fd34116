import { z } from 'zod'
import type { AnyModule } from '../module.ts'
import type { Option } from '../options.ts'
import { configSchema } from './schema.ts'

/** One key of the configuration, as the environment, the reference page and error messages know it. */
export interface ConfigKey {
  /** `listen.client` */
  readonly path: readonly string[]
  /** `PARLEY_LISTEN_CLIENT` */
  readonly variable: string
  readonly type: 'text' | 'number' | 'flag' | 'list' | 'mapping'
  /** What is allowed, in words. */
  readonly allowed: string
  readonly fallback: unknown
  readonly help: string
}

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly anyOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** Every key, those of the modules' options included. */
export function configKeys(modules: readonly AnyModule[]): ConfigKey[] {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  return [...leaves(schema, [], undefined), ...modules.flatMap(moduleKeys)]
}

export function variableOf(path: readonly string[]): string {
  const snake = (part: string) =>
    part.replace(/[a-z\d][A-Z]/g, pair => `${pair[0]}_${pair[1]}`).replace(/[^A-Za-z\d]/g, '_')
  return `PARLEY_${path.map(snake).join('_').toUpperCase()}`
}

function leaves(schema: JsonSchema, path: readonly string[], inherited: unknown): ConfigKey[] {
  const fallback = schema.default ?? inherited
  if (schema.properties) {
    return Object.entries(schema.properties)
      .filter(([name]) => path.length > 0 || name !== 'modules')
      .flatMap(([name, property]) =>
        leaves(property, [...path, name], (fallback as Record<string, unknown> | undefined)?.[name]),
      )
  }
  const type = typeOf(schema)
  return [
    {
      path,
      variable: variableOf(path),
      type,
      allowed: allowedOf(schema, type),
      fallback,
      help: schema.description ?? '',
    },
  ]
}

function typeOf(schema: JsonSchema): ConfigKey['type'] {
  const types = new Set((schema.anyOf ?? [schema]).map(({ type }) => type))
  if (types.has('array')) return 'list'
  if (types.has('object')) return 'mapping'
  if (types.has('number') || types.has('integer')) return 'number'
  return types.has('boolean') ? 'flag' : 'text'
}

function allowedOf(schema: JsonSchema, type: ConfigKey['type']): string {
  const choices = schema.enum ?? schema.anyOf?.flatMap(({ enum: values }) => values ?? [])
  if (choices && choices.length > 0) return choices.join(' | ')
  if (schema.minimum !== undefined && schema.maximum !== undefined) return `${schema.minimum} to ${schema.maximum}`
  return { text: 'text', number: 'number', flag: 'true | false', list: 'list', mapping: 'mapping' }[type]
}

function moduleKeys(module: AnyModule): ConfigKey[] {
  return Object.entries((module.config ?? {}) as Record<string, Option<unknown>>).map(([name, option]) => {
    const path = ['modules', module.name, name]
    const type = typeof option.fallback === 'boolean' ? 'flag' : Array.isArray(option.fallback) ? 'list' : 'text'
    return {
      path,
      variable: variableOf(path),
      type,
      allowed: option.allowed,
      fallback: option.fallback,
      help: option.help,
    }
  })
}
