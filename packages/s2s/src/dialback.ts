import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { NS } from '@parley/stanza'
import { type Element, escapeAttribute, escapeText } from '@parley/xml'
import { prepared } from './prepared.ts'

/** A pair of domains: who speaks, and to whom. */
export interface Pair {
  readonly from: string
  readonly to: string
}

/** The keys of Server Dialback (XEP-0220), made as XEP-0185 §3 says; all nodes have the same secret. */
export class DialbackKeys {
  readonly #key: string

  /** @param secret at least 256 random bits */
  constructor(secret: Buffer) {
    this.#key = createHash('sha256').update(secret).digest('hex')
  }

  /** @param pair `from` is the domain that wants to send @param id of the stream to `to`, as that server gave it */
  key({ from, to }: Pair, id: string): string {
    return createHmac('sha256', this.#key).update(`${to} ${from} ${id}`).digest('hex')
  }

  /** Whether a key is one of ours for that pair and stream. */
  matches(given: string, pair: Pair, id: string): boolean {
    const a = Buffer.from(given)
    const b = Buffer.from(this.key(pair, id))
    return a.length === b.length && timingSafeEqual(a, b)
  }
}

/** What became of a key (XEP-0220 §2.1, §2.4). */
export type DialbackResult =
  | { readonly type: 'valid' | 'invalid' }
  | { readonly type: 'error'; readonly condition: string }

type Content = { readonly key: string } | DialbackResult

/** `<db:result/>`. XEP-0220 §2: the prefix is that of our stream header. */
export function resultXml(pair: Pair, content: Content): string {
  return written('result', pair, '', content)
}

/** `<db:verify/>`. @param id of the stream that the key is for */
export function verifyXml(pair: Pair, id: string, content: Content): string {
  return written('verify', pair, ` id="${escapeAttribute(id)}"`, content)
}

/**
 * The answer to `<db:verify/>`: whether a key is ours (XEP-0220 §2.2.2).
 *
 * @param isOurs whether a domain is
 */
export function verdictXml(question: Element, isOurs: (domain: string) => boolean, keys: DialbackKeys): string {
  const { from = '', to = '', id = '' } = question.attrs
  const pair = { from: prepared(to) ?? '', to: prepared(from) ?? '' }
  const answer = (result: DialbackResult) => verifyXml({ from: to, to: from }, id, result)
  if (!isOurs(pair.from)) return answer({ type: 'error', condition: 'item-not-found' })
  return answer({ type: keys.matches(question.text().trim(), pair, id) ? 'valid' : 'invalid' })
}

function written(name: string, { from, to }: Pair, id: string, content: Content): string {
  const head = `<db:${name} from="${escapeAttribute(from)}" to="${escapeAttribute(to)}"${id}`
  if ('key' in content) return `${head}>${escapeText(content.key)}</db:${name}>`
  if (content.type !== 'error') return `${head} type="${content.type}"/>`
  const error = `<error type="cancel"><${content.condition} xmlns="${NS.stanzaErrors}"/></error>`
  return `${head} type="error">${error}</db:${name}>`
}

/** What a `<db:result/>` or `<db:verify/>` of a peer says of a key. Whatever is not clear is no proof. */
export function readResult(element: Element): DialbackResult {
  const { type } = element.attrs
  if (type === 'valid' || type === 'invalid') return { type }
  const condition = element
    .elements()
    .find(({ name }) => name === 'error')
    ?.elements()
    .find(({ ns }) => ns === NS.stanzaErrors)?.name
  return { type: 'error', condition: condition ?? 'undefined-condition' }
}
