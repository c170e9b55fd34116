import { randomUUID } from 'node:crypto'
import type { Event } from '@parley/adapter'
import { delay, errorOf, type Message, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { midOf, type Transit } from '@xmpp/server-core'
import { clean, cleanLine } from '../engine/text/clean.ts'
import { keyOf } from './keys.ts'
import { CLIENT } from './namespaces.ts'
import type { Network } from './network.ts'
import type { Person, Visit } from './people.ts'
import { refusalOf } from './refusals.ts'
import type { RoomView } from './room-view.ts'

const HANDED_OVER = 2000

/** What is said in rooms. */
export class RoomTalk {
  readonly #net: Network
  readonly #view: RoomView
  /** What each user said last. */
  readonly #saying = new Map<string, Promise<unknown>>()

  constructor(net: Network, view: RoomView) {
    this.#net = net
    this.#view = view
  }

  receive(message: Message, id: string, visit: Visit, transit: Transit): void {
    const key = keyOf(message, midOf(transit))
    transit.effect(() => {
      const { house } = this.#net
      const said = this.#say(message, id, visit, key).catch((error: unknown) =>
        house.route(errorOf(message, refusalOf(error, house.log))),
      )
      const late = new Promise<void>(resolve => house.clock.after(HANDED_OVER, resolve))
      const over = Promise.race([said, late])
      const user = message.from!.bare.text
      this.#saying.set(user, over)
      transit.behind(
        over.then(() => {
          if (this.#saying.get(user) === over) this.#saying.delete(user)
        }),
      )
    })
  }

  /** A line of somebody there, or of the user with another program; what was said from here is there already. */
  async said(person: Person, event: Event & { readonly peer: string; readonly nick?: string }): Promise<void> {
    const visit = person.rooms.get(event.peer)
    if (!visit || event.type !== 'message' || event.origin === 'self-echo') return
    const { house } = this.#net
    const { peer, nick, id, text, at } = event
    const stanza = randomUUID()
    const key = this.#net.keyOf(person.user)
    // What the user has just said may come back before it is known that it was taken.
    if (nick === visit.room.nick) await this.#saying.get(person.user.text)
    if (id !== undefined && !(await house.engine.ids.add(key, { peer, native: id, stanza }))) return
    const late = at !== undefined && at < house.clock.now() - 5000 ? [delay(this.#net.jid, at)] : []
    await this.#view.line(visit, nick, stanza, [body(text), ...late])
  }

  async #say(message: Message, id: string, visit: Visit, key: string): Promise<void> {
    const { house, provider } = this.#net
    const user = message.from!.bare
    await house.access.check(provider, user, 'write in a room')
    const text = message.textOf('body') ?? ''
    const subject = message.textOf('subject')
    const account = this.#net.keyOf(user)
    const by = this.#net.by(user, key)
    const nick = message.to!.resource
    if (message.type !== 'groupchat') {
      if (text !== '') await house.engine.send(account, { to: { peer: id, nick }, text, receipt: false, ...by }).done
      return
    }
    if (nick !== '') throw new StanzaError('bad-request', 'What is for one is not for all')
    if (text === '') {
      if (subject !== undefined) await house.engine.run(account, 'setTopic', id, cleanLine(subject), by)
      return
    }
    const ack = await house.engine.send(account, { to: { peer: id }, text, receipt: false, ...by }).done
    const stanza = message.id ?? randomUUID()
    if (ack.id !== undefined) await house.engine.ids.add(account, { peer: id, native: ack.id, stanza })
    // §7.4: a room says to everybody what is said, to who has said it too.
    await this.#view.line(visit, visit.room.nick, stanza, message.children.filter(isShown))
  }
}

function isShown(child: Element | string): child is Element {
  return typeof child !== 'string'
}

function body(text: string): Element {
  return el('body', CLIENT, null, clean(text))
}
