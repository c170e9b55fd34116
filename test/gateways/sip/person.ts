import { randomBytes } from 'node:crypto'
import type { Event, Presence } from '@parley/adapter'
import { Quiet, type Signal } from '../kit/index.ts'
import type { Heard, Peer } from './peer.ts'

const IMDN = 'urn:ietf:params:imdn'
const COMPOSING = 'application/im-iscomposing+xml'

/** Somebody at far.example, with a program of their own: what they are told is read here as others would, not by the adapter. */
export class SipPerson extends Quiet {
  readonly id: string
  readonly told: Event[] = []
  readonly #peer: Peer
  readonly #agreed = new Set<string>()
  /** Dialogs in which others see them: the SUBSCRIBE that began each. */
  readonly #watchers = new Map<string, Heard>()
  #presence: Presence = { show: 'available' }
  #count = 0

  constructor(peer: Peer, name: string) {
    super()
    this.#peer = peer
    this.id = `${name}@far.example`
  }

  async says(to: string, text: string): Promise<string> {
    const id = randomBytes(6).toString('hex')
    const wants = `imdn.Message-ID: ${id}\r\nimdn.Disposition-Notification: positive-delivery, display\r\n`
    this.#message(
      to,
      'message/cpim',
      `${this.#envelope(to)}${wants}\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n${text}`,
    )
    return id
  }

  override async signals(to: string, signal: Signal): Promise<void> {
    if (signal.type === 'typing') {
      const state = `<state>${signal.state === 'composing' ? 'active' : 'idle'}</state>`
      this.#message(to, COMPOSING, `<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">${state}</isComposing>`)
    } else if (signal.type === 'receipt') {
      const name = signal.level === 'read' ? 'display' : 'delivery'
      const status = signal.level === 'read' ? 'displayed' : 'delivered'
      for (const id of signal.ids) {
        const about = `<message-id>${id}</message-id><datetime>${new Date().toISOString()}</datetime>`
        const said = `<${name}-notification><status><${status}/></status></${name}-notification>`
        const document = `<imdn xmlns="urn:ietf:params:xml:ns:imdn">${about}${said}</imdn>`
        const inner = 'Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n'
        this.#message(to, 'message/cpim', `${this.#envelope(to)}imdn.Message-ID: n${id}\r\n\r\n${inner}${document}`)
      }
    }
  }

  override async shows(presence: Presence): Promise<void> {
    this.#presence = presence
    for (const id of this.#watchers.keys()) if (this.#agreed.has(id)) this.#notify(id, 'active;expires=600')
  }

  override async leaves(): Promise<void> {
    await this.shows({ show: 'unavailable' })
  }

  override async adds(id: string): Promise<void> {
    const wants = { Event: 'presence', Accept: 'application/pidf+xml', Expires: '600' }
    this.#request('SUBSCRIBE', id, { ...wants, 'Call-ID': `${randomBytes(6).toString('hex')}@far.example` })
  }

  override async answers(id: string, yes: boolean): Promise<void> {
    if (yes) this.#agreed.add(id)
    else this.#agreed.delete(id)
    this.#notify(id, yes ? 'active;expires=600' : 'terminated;reason=rejected')
    if (!yes) this.#watchers.delete(id)
  }

  override async removes(id: string): Promise<void> {
    await this.answers(id, false)
  }

  /** A request of an adapter, for this person. */
  heard(heard: Heard): void {
    const from = /<sips?:([^>;]+)/.exec(heard.header('from'))?.[1] ?? ''
    const method = heard.first.split(' ')[0]!
    const expires = heard.header('expires')
    this.#peer.answer(heard, method === 'SUBSCRIBE' ? `200 OK\nExpires: ${expires}` : '200 OK')
    if (method === 'MESSAGE') this.#said(from, heard)
    else if (method === 'NOTIFY') this.#shown(from, heard.body)
    else if (method === 'SUBSCRIBE') this.#asked(from, heard, expires === '0')
  }

  #asked(from: string, heard: Heard, ends: boolean): void {
    this.#watchers.set(from, heard)
    if (ends) {
      this.#notify(from, 'terminated;reason=timeout')
      this.#watchers.delete(from)
    } else if (this.#agreed.has(from)) this.#notify(from, 'active;expires=600')
    else {
      this.#notify(from, 'pending;expires=600')
      this.told.push({ type: 'request', id: from })
    }
  }

  #shown(id: string, body: string): void {
    const basic = /<basic>(\w+)</.exec(body)?.[1]
    if (basic === undefined) return
    const word = /<show xmlns="jabber:client">(\w+)</.exec(body)?.[1] as Presence['show'] | undefined
    const text = /<note>([^<]*)</.exec(body)?.[1]
    const show = basic === 'open' ? (word ?? 'available') : 'unavailable'
    this.told.push({ type: 'presence', id, presence: { show, ...(text && { text }) } })
  }

  #said(peer: string, { header, body }: Heard): void {
    const type = header('content-type').split(';')[0]
    if (type === COMPOSING) {
      const state = body.includes('<state>active</state>') ? 'composing' : 'paused'
      this.told.push({ type: 'typing', state, peer })
    } else if (type === 'text/plain') this.told.push({ type: 'message', text: body, origin: 'remote', peer })
    else if (type === 'message/cpim') {
      const [outer = '', inner = '', ...rest] = body.split('\r\n\r\n')
      const text = rest.join('\r\n\r\n')
      const id = /^imdn\.Message-ID: (\S+)/m.exec(outer)?.[1]
      if (!inner.includes('message/imdn+xml'))
        this.told.push({ type: 'message', text, origin: 'remote', peer, ...(id && { id }) })
      else {
        const about = /<message-id>([^<]+)</.exec(text)?.[1] ?? ''
        const level = text.includes('<displayed') ? 'read' : 'delivered'
        this.told.push({ type: 'receipt', ids: [about], level, peer })
      }
    }
  }

  #envelope(to: string): string {
    const at = new Date().toISOString()
    return `From: <sip:${this.id}>\r\nTo: <sip:${to}>\r\nDateTime: ${at}\r\nNS: imdn <${IMDN}>\r\n`
  }

  #message(to: string, type: string, body: string): void {
    this.#request('MESSAGE', to, { 'Content-Type': type }, body)
  }

  #request(method: string, to: string, more: Readonly<Record<string, string>>, body = ''): void {
    const own = { target: `sip:${to}`, To: `<sip:${to}>`, From: `<sip:${this.id}>;tag=p${++this.#count}` }
    this.#peer.request(
      method,
      { ...own, Contact: `<sip:${this.id.split('@')[0]}@127.0.0.1:${this.#peer.port}>`, ...more },
      body,
    )
  }

  /** Within the dialog that the other side's SUBSCRIBE has begun. */
  #notify(id: string, state: string): void {
    const asked = this.#watchers.get(id)
    if (!asked) return
    const { show, text } = this.#presence
    const word = show === 'available' ? '' : `<show xmlns="jabber:client">${show}</show>`
    const basic = show === 'unavailable' ? 'closed' : 'open'
    const tuple = `<tuple id="t"><status><basic>${basic}</basic>${word}</status>${text ? `<note>${text}</note>` : ''}</tuple>`
    const document = `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${this.id}">${tuple}</presence>`
    const dialog = {
      ...{ From: `<sip:${this.id}>;tag=far${this.#peer.port}`, To: asked.header('from') },
      ...{ 'Call-ID': asked.header('call-id'), Event: 'presence', 'Subscription-State': state },
    }
    const body = state.startsWith('active') ? document : ''
    this.#request('NOTIFY', id, { ...dialog, ...(body && { 'Content-Type': 'application/pidf+xml' }) }, body)
  }
}
