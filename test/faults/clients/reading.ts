import type { Element } from '@parley/xml'
import type { Way } from '../history.ts'

const CARBONS = 'urn:xmpp:carbons:2'
const MAM = 'urn:xmpp:mam:2'

/** A numbered message as a client sees it. */
export interface Seen {
  readonly way: Way
  readonly stream: string
  readonly n: number
  readonly id: string | undefined
}

/** Reads a message of ours, also inside a copy (XEP-0280) or a page of the archive (XEP-0313). */
export function read(element: Element, account: string): Seen | undefined {
  if (element.name !== 'message' || element.attrs['type'] === 'error') return undefined
  const result = element.child('result', MAM)
  if (result) return seen(forwarded(result), 'archive', result.attrs['id'])
  const copy = element.child('received', CARBONS) ?? element.child('sent', CARBONS)
  const message = copy ? forwarded(copy) : element
  return seen(message, copy ? 'copy' : 'stream', message && idOf(message, account))
}

/** The body of a message: its stream and number. */
export function bodyOf(stream: string, n: number): string {
  return `${stream} ${n}`
}

export function parseBody(body: string | undefined): { readonly stream: string; readonly n: number } | undefined {
  const [, stream, n] = /^(\S+) (\d+)$/.exec(body ?? '') ?? []
  return stream === undefined ? undefined : { stream, n: Number(n) }
}

function seen(message: Element | undefined, way: Way, id: string | undefined): Seen | undefined {
  const content = parseBody(message?.textOf('body', 'jabber:client'))
  return content && { ...content, way, id }
}

function forwarded(parent: Element): Element | undefined {
  return parent.child('forwarded', 'urn:xmpp:forward:0')?.child('message', 'jabber:client')
}

function idOf(message: Element, account: string): string | undefined {
  return message.childrenNamed('stanza-id', 'urn:xmpp:sid:0').find(({ attrs }) => attrs['by'] === account)?.attrs['id']
}
