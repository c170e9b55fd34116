import { readFile } from 'node:fs/promises'
import { parse, YAMLParseError } from 'yaml'
import { checkModuleOptions } from '../loader.ts'
import type { AnyModule } from '../module.ts'
import { opens, ROLES } from '../roles.ts'
import { type ConfigKey, configKeys } from './keys.ts'
import { type Config, configSchema, resolveDomains } from './schema.ts'

/** The configuration cannot be used: one line for each key, with its value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

export interface ConfigSource {
  /** YAML; absent: only defaults and environment. */
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whose options may stand under `modules:`. */
  readonly modules: readonly AnyModule[]
}

/** Variables that are not configuration but begin alike. */
const NOT_OURS = /^PARLEY_(TEST_|FUZZ$|CONFIG$)/

/** Reads file and environment (which wins). @throws ConfigError */
export async function loadConfig({ file, env, modules }: ConfigSource): Promise<Config> {
  const tree = file === undefined ? {} : await readTree(file)
  const problems = applyEnvironment(tree, env, configKeys(modules))
  const parsed = configSchema.safeParse(tree)
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(issue => describe(issue, tree)))
  else problems.push(...checkModuleOptions(modules, parsed.data.modules), ...contradictions(parsed.data))
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems)
  return resolveDomains(parsed.data)
}

type Tree = Record<string, unknown>

async function readTree(file: string): Promise<Tree> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`])
  }
  try {
    const tree: unknown = parse(text, { uniqueKeys: true, maxAliasCount: 0 }) ?? {}
    if (typeof tree === 'object' && !Array.isArray(tree)) return tree as Tree
    throw new ConfigError([`${file}: must be a mapping of keys to values`])
  } catch (error) {
    // The parser says so of aliases, which are switched off: a few of them can stand for very much.
    if (error instanceof ReferenceError) throw new ConfigError([`${file}: aliases (*name) are not allowed`])
    if (!(error instanceof YAMLParseError)) throw error
    const line = error.linePos?.[0].line
    throw new ConfigError([`${file}${line === undefined ? '' : ` line ${line}`}: ${error.message.split('\n')[0]}`])
  }
}

function applyEnvironment(tree: Tree, env: ConfigSource['env'], keys: readonly ConfigKey[]): string[] {
  const problems: string[] = []
  const byVariable = new Map(keys.map(key => [key.variable, key]))
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('PARLEY_') || NOT_OURS.test(name) || value === undefined) continue
    const key = byVariable.get(name)
    if (!key) problems.push(`${name}: there is no such key`)
    else if (value !== '') assign(tree, key.path, readValue(value, key.type))
  }
  return problems
}

function readValue(text: string, type: ConfigKey['type']): unknown {
  if (type === 'text') return text
  if (type === 'list' && !/^[[{]/.test(text)) return text.split(',').map(item => item.trim())
  try {
    return parse(text)
  } catch {
    return text
  }
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree
  for (const name of path.slice(0, -1)) {
    const next = at[name]
    const branch: Tree = typeof next === 'object' && next !== null ? (next as Tree) : {}
    at[name] = branch
    at = branch
  }
  at[path.at(-1)!] = value
}

interface Issue {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
  /** Of a value that may have several forms: what is wrong with each. */
  readonly errors?: readonly (readonly Issue[])[]
}

/** Secrets are named by their key alone. */
const SECRET = /secret|password|^database$|^redis$|^gateway\.key$/i

function describe(issue: Issue, tree: Tree): string[] {
  const path = issue.path.map(String)
  // The form that was meant is the one in which something deeper is wrong.
  const meant = issue.errors?.find(issues => issues.some(inner => inner.path.length > 0))
  if (meant) return meant.flatMap(inner => describe({ ...inner, path: [...issue.path, ...inner.path] }, tree))
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map(key => `${[...path, key].join('.')}: there is no such key`)
  }
  const value = path.reduce<unknown>((at, name) => (at as Tree | undefined)?.[name], tree)
  const shown = value === undefined || SECRET.test(path.join('.')) ? '' : ` ${JSON.stringify(value)}`
  return [`${path.join('.') || 'the configuration'}:${shown} ${lowerFirst(issue.message)}`]
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** What each key allows and all of them together do not. */
function contradictions(config: ReturnType<typeof configSchema.parse>): string[] {
  const problems: string[] = []
  const open = Object.entries(config.listen).filter(([, address]) => address !== undefined)
  const ports = new Map<string, string>()
  for (const [name, address] of open) {
    const port = address!.slice(address!.lastIndexOf(':') + 1)
    const other = ports.get(port)
    if (port !== '0' && other) problems.push(`listen.${name}: "${address}" has the port of listen.${other}`)
    ports.set(port, name)
  }
  const isPart = ROLES.some(role => !config.roles.includes(role))
  if (isPart && !config.redis)
    problems.push(
      'roles: a part of the server needs redis, where it finds the others, such as "redis://127.0.0.1:6379"',
    )
  if (isPart && !config.database)
    problems.push('roles: a part of the server needs database, since the embedded engine serves one')
  const isComponentHere = opens(config, 'component')
  if (Object.keys(config.components).length > 0 && isComponentHere && !config.listen.component) {
    problems.push('components: need listen.component, such as "127.0.0.1:5347"')
  }
  if (config.workers > 1) {
    if (!config.redis) problems.push(`workers: ${config.workers} need redis, such as "redis://127.0.0.1:6379"`)
    if (!config.database)
      problems.push(`workers: ${config.workers} need database, since the embedded engine serves one`)
    if (open.some(([, address]) => address!.endsWith(':0')))
      problems.push('workers: more than 1 need ports that are named')
  }
  return problems
}
