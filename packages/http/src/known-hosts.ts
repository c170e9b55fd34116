import type { IncomingMessage } from 'node:http'
import { domainToUnicode } from 'node:url'
import type { Config } from '@xmpp/server-core'

/** Whom we answer for: the hosted domains, and the host of `publicUrl`. */
export class KnownHosts {
  readonly #names: ReadonlySet<string>

  constructor({ domains, publicUrl }: Pick<Config, 'domains' | 'publicUrl'>) {
    this.#names = new Set([...domains.keys(), ...(publicUrl ? [canonical(new URL(publicUrl).hostname)] : [])])
  }

  /** The name in the Host header, canonical; '' where it is missing, said twice, malformed or nobody here. */
  of(request: IncomingMessage): string {
    const header = hostHeader(request)
    const match = header === undefined ? null : /^([a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i.exec(header)
    const name = canonical(match?.[1] ?? '')
    return this.#names.has(name) ? name : ''
  }
}

/** The only Host header; undefined where there is none, or more than one (RFC 9112 §3.2). */
export function hostHeader({ rawHeaders }: IncomingMessage): string | undefined {
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'host')
  return values.length === 1 ? values[0] : undefined
}

function canonical(name: string): string {
  const lower = name.toLowerCase().replace(/\.$/, '')
  return lower.includes('xn--') ? domainToUnicode(lower) : lower
}
