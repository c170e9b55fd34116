import { randomUUID } from 'node:crypto'
import { type Adapter, can, type Feature } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { Body, Message, type MessageType } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type Awaitable, type Receive, Service } from '@xmpp/server-core'
import { clean } from '../engine/text/clean.ts'
import type { AccountKey, Provider } from '../engine.ts'
import { Addresses } from './addresses.ts'
import type { House } from './house.ts'
import { CLIENT } from './namespaces.ts'
import { People } from './people.ts'

/** One network at one host: its address, its users, and what the operator says of it. */
export class Network {
  readonly house: House
  readonly adapter: Adapter
  readonly id: string
  readonly service: Service
  readonly addresses: Addresses
  readonly people = new People()
  /** What holds of it now. */
  provider: Provider

  constructor(house: House, provider: Provider, adapter: Adapter, receive: Receive) {
    this.house = house
    this.adapter = adapter
    this.id = provider.id
    this.provider = provider
    this.service = new Service(house.host, provider.id, provider.title ?? adapter.title, receive)
    this.addresses = new Addresses(this.service.domain, id => adapter.canonical(id))
  }

  /** Its own address, which speaks for it. */
  get jid(): Jid {
    return this.service.jid
  }

  get title(): string {
    return this.provider.title ?? this.adapter.title
  }

  get federated(): boolean {
    return this.adapter.mode === 'federation'
  }

  can(feature: Feature, way: 'in' | 'out'): boolean {
    return can(this.adapter.capabilities, feature, way)
  }

  /** Whose session serves the user. */
  keyOf(user: Jid): AccountKey {
    return { provider: this.id, owner: this.federated ? this.service.domain : user.text }
  }

  /** Who does something. `key`: the same for what is done a second time. */
  by(user: Jid, key: string = randomUUID()): { readonly key: string; readonly user?: string } {
    return this.federated ? { key, user: user.text } : { key }
  }

  /** Says something to a user, in the name of a contact or of the network itself. Resolves when it is durable. */
  say(from: Jid, to: Jid, children: readonly (Element | undefined)[], head: SayHead = {}): Awaitable<void> {
    const { type = 'chat', id = randomUUID() } = head
    const body = Body.of(children.filter(child => child !== undefined))
    return this.house.route(new Message({ type, id, from, to }, body))
  }

  /** Tells a user something in words, in the name of the network. */
  notice(to: Jid, text: string): Awaitable<void> {
    return this.say(this.jid, to, [el('body', CLIENT, null, clean(text))])
  }
}

interface SayHead {
  readonly type?: MessageType
  readonly id?: string
}
