import { randomUUID } from 'node:crypto'
import type { EventOf, Heard } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { delay, NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { clean } from '../engine/text/clean.ts'
import type { Echoes } from './echoes.ts'
import { stanzaIdOf } from './keys.ts'
import {
  ATTENTION,
  CLIENT,
  CORRECT,
  FALLBACK,
  MARKERS,
  REACTIONS,
  RECEIPTS,
  REPLY,
  RETRACT,
  STATES,
} from './namespaces.ts'
import type { Network } from './network.ts'
import type { Own } from './own.ts'
import type { Person } from './people.ts'
import type { Saying } from './saying.ts'

/** Somebody who writes and says nothing more of it has stopped after that time (ms). */
const TYPING = 10_000
/** What was said so long ago says when (ms). */
const LATE = 5000

/** What those there say to users, and what users say with other programs. */
export class Hearing {
  readonly #net: Network
  readonly #saying: Saying
  readonly #own: Own
  readonly #echoes: Echoes

  constructor(net: Network, saying: Saying, own: Own, echoes: Echoes) {
    this.#net = net
    this.#saying = saying
    this.#own = own
    this.#echoes = echoes
  }

  async message(person: Person, event: EventOf<'message'>): Promise<void> {
    const { peer, id, origin } = event
    const from = this.#net.addresses.of(peer)
    if (!from || origin === 'self-echo') return
    const stanza = randomUUID()
    // Before anybody hears it; what is there already is a repeat, or comes back from where this server has sent it.
    if (id !== undefined && !(await this.#isNew(person, peer, id, stanza))) return
    const content = await this.#content(person, event)
    if (origin === 'self-elsewhere') {
      if (id === undefined && !this.#echoes.isNew(this.#echoes.markOf(person.user.text, peer, event.text))) return
      return this.#own.sent(person.user, from, stanza, content)
    }
    this.#stopTyping(person, peer)
    await this.#net.say(from, person.user, [...content, ...this.#wanted()], { id: stanza })
  }

  async edit(person: Person, { peer, target, text, origin }: EventOf<'edit'>): Promise<void> {
    const replaced = await this.#stanzaOf(person, target)
    const body = el('body', CLIENT, null, clean(text))
    // What nobody here has is news.
    const content = replaced === undefined ? [body] : [body, el('replace', CORRECT, { id: replaced })]
    await this.#about(person, peer, origin, content)
  }

  async retract(person: Person, { peer, target, origin }: EventOf<'retract'>): Promise<void> {
    const id = await this.#stanzaOf(person, target)
    if (id === undefined) return
    await this.#about(person, peer, origin, [
      el('retract', RETRACT, { id }),
      el('fallback', FALLBACK, { for: RETRACT }),
      el('body', CLIENT, null, '/me has taken a message back, which this client does not show.'),
      el('store', NS.hints),
    ])
  }

  async reaction(person: Person, { peer, target, emojis, origin }: EventOf<'reaction'>): Promise<void> {
    const id = await this.#stanzaOf(person, target)
    if (id === undefined) return
    const reactions = emojis.map(emoji => el('reaction', REACTIONS, null, clean(emoji)))
    await this.#about(person, peer, origin, [el('reactions', REACTIONS, { id }, reactions), el('store', NS.hints)])
  }

  async attention(person: Person, { peer }: EventOf<'attention'>): Promise<void> {
    await this.#about(person, peer, 'remote', [el('attention', ATTENTION)])
  }

  /** XEP-0184, XEP-0333: what the user has said has come, or was read. */
  async receipt(person: Person, { peer, ids, level }: EventOf<'receipt'>): Promise<void> {
    const from = this.#net.addresses.of(peer)
    if (!from) return
    const known = (await Promise.all(ids.map(id => this.#stanzaOf(person, id)))).filter(id => id !== undefined)
    if (level === 'read') {
      const last = known.at(-1)
      if (last !== undefined) await this.#net.say(from, person.user, [el('displayed', MARKERS, { id: last })])
      return
    }
    for (const id of known)
      if (person.arrives(id)) await this.#net.say(from, person.user, [el('received', RECEIPTS, { id })])
  }

  async typing(person: Person, { peer, state }: EventOf<'typing'>): Promise<void> {
    this.#stopTyping(person, peer)
    await this.#state(person.user, peer, state)
    if (state !== 'composing') return
    const { clock, log } = this.#net.house
    const end = clock.after(TYPING, () => {
      person.typing.delete(peer)
      Promise.resolve(this.#state(person.user, peer, 'paused')).catch((error: unknown) =>
        log.warn('the end of typing was not told', { error }),
      )
    })
    person.typing.set(peer, end)
  }

  async #about(person: Person, peer: string, origin: Heard['origin'], content: readonly Element[]): Promise<void> {
    const from = this.#net.addresses.of(peer)
    if (!from || origin === 'self-echo') return
    if (origin === 'self-elsewhere') return this.#own.sent(person.user, from, randomUUID(), content)
    await this.#net.say(from, person.user, content)
  }

  async #content(person: Person, { text, at, thread, subject, replyTo, peer }: Heard): Promise<Element[]> {
    const { clock } = this.#net.house
    const content = [el('body', CLIENT, null, clean(text))]
    if (subject !== undefined) content.unshift(el('subject', CLIENT, null, clean(subject)))
    if (thread !== undefined) content.push(el('thread', CLIENT, null, clean(thread)))
    const replied = replyTo === undefined ? undefined : await this.#stanzaOf(person, replyTo)
    if (replied !== undefined) content.push(el('reply', REPLY, { to: this.#net.addresses.of(peer), id: replied }))
    if (at !== undefined && at < clock.now() - LATE) content.push(delay(this.#net.jid, at))
    return content
  }

  /** What the network would take from the user's client for this message. */
  #wanted(): Element[] {
    const wanted: Element[] = []
    if (this.#net.can('receipts', 'out')) wanted.push(el('request', RECEIPTS))
    if (this.#net.can('read', 'out')) wanted.push(el('markable', MARKERS))
    if (this.#net.can('typing', 'in')) wanted.push(el('active', STATES))
    return wanted
  }

  #state(user: Jid, peer: string, state: string) {
    const from = this.#net.addresses.of(peer)
    if (from) return this.#net.say(from, user, [el(state, STATES), el('no-store', NS.hints)])
  }

  #stopTyping(person: Person, peer: string): void {
    person.typing.get(peer)?.()
    person.typing.delete(peer)
  }

  async #stanzaOf(person: Person, native: string): Promise<string | undefined> {
    const find = () => this.#net.house.engine.ids.byNative(this.#net.keyOf(person.user), native)
    // What the user has said lately may be on its way.
    const pair = (await find()) ?? (await this.#saying.underWay(person.user).then(find))
    return pair && stanzaIdOf(pair.stanza)
  }

  async #isNew(person: Person, peer: string, native: string, stanza: string): Promise<boolean> {
    await this.#saying.mapped(person.user)
    return this.#net.house.engine.ids.add(this.#net.keyOf(person.user), { peer, native, stanza })
  }
}
