import type { EventOf, Presence } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { Body, formatDateTime, Presence as Stanza } from '@parley/stanza'
import type { RosterItem } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { clean } from '../engine/text/clean.ts'
import { CLIENT, IDLE, NICK, UPDATE } from './namespaces.ts'
import type { Network } from './network.ts'
import type { Person } from './people.ts'

/** How those there are, towards the user's clients. */
export class Seeing {
  readonly #net: Network

  constructor(net: Network) {
    this.#net = net
  }

  async presence(person: Person, { id, presence }: EventOf<'presence'>): Promise<void> {
    const before = person.presences.get(id)
    person.presences.set(id, presence)
    // Some networks say the same again and again.
    if (before && JSON.stringify(before) === JSON.stringify(presence)) return
    if (await this.#sees(person, id)) await this.#send(person, id, person.user)
  }

  /** Another picture, or none: presence says so (XEP-0153 §3.2). */
  async avatar(person: Person, { id, media }: EventOf<'avatar'>): Promise<void> {
    if (media === undefined) person.avatars.delete(id)
    else person.avatars.set(id, media)
    const presence = person.presences.get(id)
    if (presence && presence.show !== 'unavailable' && (await this.#sees(person, id)))
      await this.#send(person, id, person.user)
  }

  /** A client asks how a contact is: what the network said last is the answer (RFC 6121 §4.3.2). */
  async probed(user: Jid, id: string, to: Jid): Promise<void> {
    const person = this.#net.people.find(user)
    if (person?.presences.has(id) && (await this.#sees(person, id))) await this.#send(person, id, to)
  }

  /** The user sees a contact from now on (RFC 6121 §3.1.5): a network may have said how they are before that was settled. */
  async begins(user: Jid, id: string): Promise<void> {
    await this.probed(user, id, user)
  }

  /** Somebody there wants to see the user's presence. */
  async request(person: Person, { id, name, text }: EventOf<'request'>): Promise<void> {
    const from = this.#net.addresses.of(id)
    if (!from) return
    person.requests.add(id)
    const body = Body.of([
      ...(text === undefined || text === '' ? [] : [el('status', CLIENT, null, clean(text))]),
      ...(name === undefined || name === '' ? [] : [el('nick', NICK, null, clean(name))]),
    ])
    await this.#net.house.route(new Stanza({ type: 'subscribe', from, to: person.user }, body))
  }

  async #sees(person: Person, id: string): Promise<boolean> {
    const jid = this.#net.addresses.of(id)
    if (!jid) return false
    return sees((await this.#net.house.uses.roster.view(person.user)).get(jid))
  }

  async #send(person: Person, id: string, to: Jid): Promise<void> {
    const from = this.#net.addresses.of(id)
    const presence = person.presences.get(id)
    if (from && presence) await this.#net.house.route(stanzaOf(presence, from, to, person.avatars.get(id)))
  }
}

/** Whether the user sees that contact. */
export function sees({ subscription }: RosterItem): boolean {
  return subscription === 'to' || subscription === 'both'
}

/** A presence as stanza; `picture` is its SHA-1. */
export function stanzaOf(presence: Presence, from: Jid, to: Jid, picture: string | undefined): Stanza {
  const { show, text, idleSince } = presence
  const children: Element[] = []
  if (text !== undefined && text !== '') children.push(el('status', CLIENT, null, clean(text)))
  if (show === 'unavailable' || show === 'invisible')
    return new Stanza({ type: 'unavailable', from, to }, Body.of(children))
  if (show !== 'available') children.unshift(el('show', CLIENT, null, show))
  if (idleSince !== undefined) children.push(el('idle', IDLE, { since: formatDateTime(idleSince) }))
  children.push(el('x', UPDATE, null, el('photo', UPDATE, null, picture)))
  return new Stanza({ type: 'available', from, to }, Body.of(children))
}
