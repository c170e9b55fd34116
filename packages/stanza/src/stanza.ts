import { Jid, JidError } from '@parley/jid'
import { Attrs, Element, escapeAttribute, type Node, parseElement, serializeAttrs } from '@parley/xml'
import { Body } from './body.ts'
import { StanzaError } from './error.ts'
import { NS } from './namespaces.ts'

export type MessageType = 'normal' | 'chat' | 'groupchat' | 'headline' | 'error'
export type PresenceType =
  | 'available'
  | 'unavailable'
  | 'subscribe'
  | 'subscribed'
  | 'unsubscribe'
  | 'unsubscribed'
  | 'probe'
  | 'error'
export type IqType = 'get' | 'set' | 'result' | 'error'

/** The head of a stanza; an absent address means what RFC 6120 §8.1 says for it. */
export interface Head<T extends string> {
  readonly type: T
  readonly from?: Jid | undefined
  readonly to?: Jid | undefined
  readonly id?: string | undefined
  /** Further attributes of the stanza element, such as `xml:lang`. */
  readonly attrs?: Readonly<Attrs> | undefined
}

interface Around {
  readonly before: string
  readonly behind: string
}

const NO_ATTRS: Readonly<Attrs> = Object.freeze(new Attrs())

/** A message, presence or IQ stanza: immutable; `with()` makes another that shares the body. */
export abstract class StanzaBase<N extends 'message' | 'presence' | 'iq', T extends string> {
  readonly name: N
  readonly type: T
  readonly from: Jid | undefined
  readonly to: Jid | undefined
  readonly id: string | undefined
  readonly attrs: Readonly<Attrs>
  readonly body: Body
  /** What is written before and behind the address of the recipient: one for all copies. */
  #around: Around | undefined

  constructor(name: N, head: Head<T>, body: Body) {
    this.name = name
    this.type = head.type
    this.from = head.from
    this.to = head.to
    this.id = head.id
    this.attrs = head.attrs ?? NO_ATTRS
    this.body = body
  }

  protected abstract make(head: Head<T>, body: Body): this
  /** What the type attribute says; undefined where the type is the default that needs no attribute. */
  protected abstract get typeAttribute(): string | undefined

  get children(): readonly Node[] {
    return this.body.nodes
  }

  with(changes: Partial<Head<T>>): this {
    // Spelled out: object spreads cost more than all the rest of a stanza's way.
    const head: Head<T> = {
      type: changes.type ?? this.type,
      from: 'from' in changes ? changes.from : this.from,
      to: 'to' in changes ? changes.to : this.to,
      id: 'id' in changes ? changes.id : this.id,
      attrs: 'attrs' in changes ? changes.attrs : this.attrs,
    }
    return this.make(head, this.body)
  }

  /** The same for another recipient. Who sends to many makes all copies from one: what does not differ is written once. */
  addressed(to: Jid): this {
    const { type, from, id, attrs } = this
    const copy = this.make({ type, from, to, id, attrs }, this.body)
    this.#around ??= this.#write()
    copy.#around = this.#around
    return copy
  }

  withChildren(children: readonly Node[]): this {
    return this.make(this.head, Body.of(children))
  }

  withBody(body: Body): this {
    return this.make(this.head, body)
  }

  /** The first child element of that name and namespace (default: `jabber:client`). */
  child(name: string, ns: string = NS.client): Element | undefined {
    for (const child of this.body.nodes) {
      if (typeof child !== 'string' && child.name === name && child.ns === ns) return child
    }
    return undefined
  }

  /** Whether a child element in that namespace is there, whatever its name. */
  hasChildIn(ns: string): boolean {
    return this.body.nodes.some(child => typeof child !== 'string' && child.ns === ns)
  }

  textOf(name: string, ns: string = NS.client): string | undefined {
    return this.child(name, ns)?.text()
  }

  /** The stanza as it stands in a stream whose default namespace is its own. `xmlns` adds the declaration. */
  toXml(xmlns = ''): string {
    const { before, behind } = xmlns === '' ? (this.#around ?? this.#write()) : this.#write(` xmlns="${xmlns}"`)
    return this.to === undefined ? before + behind : `${before} to="${escapeAttribute(this.to.text)}"${behind}`
  }

  #write(xmlns = ''): Around {
    let before = `<${this.name}${xmlns}`
    if (this.from !== undefined) before += ` from="${escapeAttribute(this.from.text)}"`
    let behind = ''
    if (this.typeAttribute !== undefined) behind += ` type="${this.typeAttribute}"`
    if (this.id !== undefined) behind += ` id="${escapeAttribute(this.id)}"`
    if (this.attrs !== NO_ATTRS) behind += serializeAttrs(this.attrs)
    const body = this.body.xml
    return { before, behind: body === '' ? `${behind}/>` : `${behind}>${body}</${this.name}>` }
  }

  toElement(): Element {
    const attrs = new Attrs()
    if (this.from !== undefined) attrs['from'] = this.from.text
    if (this.to !== undefined) attrs['to'] = this.to.text
    if (this.typeAttribute !== undefined) attrs['type'] = this.typeAttribute
    if (this.id !== undefined) attrs['id'] = this.id
    for (const name in this.attrs) attrs[name] = this.attrs[name]!
    return new Element(this.name, NS.client, attrs, this.body.nodes)
  }

  private get head(): Head<T> {
    return { type: this.type, from: this.from, to: this.to, id: this.id, attrs: this.attrs }
  }
}

export class Message extends StanzaBase<'message', MessageType> {
  constructor(head: Head<MessageType>, body: Body = Body.empty) {
    super('message', head, body)
  }
  protected make(head: Head<MessageType>, body: Body): this {
    return new Message(head, body) as this
  }
  protected get typeAttribute(): string | undefined {
    return this.type === 'normal' ? undefined : this.type
  }
}

export class Presence extends StanzaBase<'presence', PresenceType> {
  constructor(head: Head<PresenceType>, body: Body = Body.empty) {
    super('presence', head, body)
  }
  protected make(head: Head<PresenceType>, body: Body): this {
    return new Presence(head, body) as this
  }
  protected get typeAttribute(): string | undefined {
    return this.type === 'available' ? undefined : this.type
  }
}

export class Iq extends StanzaBase<'iq', IqType> {
  constructor(head: Head<IqType>, body: Body = Body.empty) {
    super('iq', head, body)
  }
  protected make(head: Head<IqType>, body: Body): this {
    return new Iq(head, body) as this
  }
  protected get typeAttribute(): string {
    return this.type
  }
  get isRequest(): boolean {
    return this.type === 'get' || this.type === 'set'
  }
  /** The child that names the request; an IQ of type get or set always has exactly one (RFC 6120 §8.2.3). */
  get payload(): Element {
    const payload = this.body.nodes.find(child => typeof child !== 'string')
    if (payload === undefined) throw new StanzaError('bad-request', 'An IQ request needs one child element')
    return payload as Element
  }
}

export type Stanza = Message | Presence | Iq

const MESSAGE_TYPES: ReadonlySet<string> = new Set<MessageType>(['normal', 'chat', 'groupchat', 'headline', 'error'])
const PRESENCE_TYPES: ReadonlySet<string> = new Set<PresenceType>([
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
  'error',
])
const IQ_TYPES: ReadonlySet<string> = new Set<IqType>(['get', 'set', 'result', 'error'])

/**
 * Reads a stanza that a peer sent. `from` is the address that the peer has proven and replaces what it wrote.
 * @throws {@link StanzaError} `jid-malformed` or `bad-request`; nothing in the tree is trusted before this.
 */
export function readStanza(element: Element, from: Jid | undefined): Stanza {
  // What a client may take for a part of its own stream never gets to it inside a stanza.
  if (holdsStreamElement(element.children)) {
    throw new StanzaError('bad-request', 'Elements of a stream do not belong into a stanza')
  }
  const { to: address, id } = element.attrs
  const to = address === undefined ? undefined : readAddress(address)
  const attrs = otherAttrs(element.attrs)
  const body = Body.of(element.children)
  switch (element.name) {
    case 'message':
      return new Message({ type: messageType(element), from, to, id, attrs }, body)
    case 'presence':
      return new Presence({ type: presenceType(element), from, to, id, attrs }, body)
    default:
      return new Iq({ type: iqType(element), from, to, id, attrs }, body)
  }
}

function holdsStreamElement(nodes: readonly Node[]): boolean {
  for (const node of nodes) {
    if (typeof node !== 'string' && (node.ns === NS.streams || holdsStreamElement(node.children))) return true
  }
  return false
}

/**
 * What was let in once is read again, though it has grown since: characters are escaped now, ids of ours stand beside its
 * children, and a wrapper is around it.
 */
const NO_LIMITS = {
  maxStanzaBytes: Number.POSITIVE_INFINITY,
  maxDepth: Number.POSITIVE_INFINITY,
  maxElements: Number.POSITIVE_INFINITY,
  maxAttributes: Number.POSITIVE_INFINITY,
}

/** Reads XML that this server wrote: a stanza as {@link StanzaBase.toXml} gives it. */
export function parseStanza(xml: string): Stanza {
  const element = parseElement(`<x xmlns="${NS.client}">${xml}</x>`, NO_LIMITS).firstElement()!
  const from = element.attrs['from']
  return readStanza(element, from === undefined ? undefined : Jid.parse(from))
}

function otherAttrs(attrs: Readonly<Attrs>): Attrs | undefined {
  let others: Attrs | undefined
  for (const name in attrs) {
    if (name === 'to' || name === 'from' || name === 'type' || name === 'id') continue
    others ??= new Attrs()
    others[name] = attrs[name]!
  }
  return others
}

/** RFC 6121 §5.2.2: an unknown type is treated as "normal". */
function messageType({ attrs: { type } }: Element): MessageType {
  return type !== undefined && MESSAGE_TYPES.has(type) ? (type as MessageType) : 'normal'
}

function presenceType({ attrs: { type } }: Element): PresenceType {
  if (type === undefined) return 'available'
  if (!PRESENCE_TYPES.has(type)) throw new StanzaError('bad-request', 'Unknown presence type')
  return type as PresenceType
}

function iqType(iq: Element): IqType {
  const { type, id } = iq.attrs
  if (type === undefined || !IQ_TYPES.has(type)) throw new StanzaError('bad-request', 'Unknown IQ type')
  // RFC 6120 §8.2.3: the id is required; a request has exactly one child element.
  if (id === undefined) throw new StanzaError('bad-request', 'An IQ needs an id')
  if ((type === 'get' || type === 'set') && iq.elements().length !== 1) {
    throw new StanzaError('bad-request', 'An IQ request needs one child element')
  }
  return type as IqType
}

/** @throws {@link StanzaError} `jid-malformed` (RFC 6120 §8.3.3.8). */
export function readAddress(text: string | undefined): Jid {
  try {
    return Jid.parse(text ?? '')
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
}
