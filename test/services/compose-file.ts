import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from './process.ts'

export interface Service {
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}
export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as Compose
export const example = readFileSync(join(root, '.env.example'), 'utf8')

/** The environment of a service, filled in from `.env.example` as compose would. */
export function environmentOf(name: string): Record<string, string> {
  const values = Object.fromEntries([...example.matchAll(/^(\w+)=(.*)$/gm)].map(match => [match[1]!, match[2]!]))
  const filled = (text: string) =>
    text.replace(/\$\{(\w+)(?::[-?]([^}]*))?\}/g, (_, variable: string, fallback = '') => values[variable] ?? fallback)
  return Object.fromEntries(
    Object.entries(compose.services[name]!.environment ?? {}).map(([key, value]) => [key, filled(value)]),
  )
}
