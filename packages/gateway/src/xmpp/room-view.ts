import type { Room, RoomMember } from '@parley/adapter'
import { Jid } from '@parley/jid'
import { Body, Message, Presence } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { clean } from '../engine/text/clean.ts'
import { CLIENT, MUC_USER } from './namespaces.ts'
import type { Network } from './network.ts'
import type { Visit } from './people.ts'

/** What a user's clients see of a room there (XEP-0045). */
export class RoomView {
  readonly #net: Network

  constructor(net: Network) {
    this.#net = net
  }

  /** Everybody, then oneself (§7.2.3), then the subject (§7.2.15). `wanted`: the nick that was asked for */
  async whole({ room }: Visit, client: Jid, wanted: string | undefined): Promise<void> {
    const own = room.members.find(({ nick }) => nick === room.nick) ?? { nick: room.nick, role: 'participant' as const }
    for (const member of room.members) if (member.nick !== room.nick) await this.#present(room, member, client, [])
    const codes = [110, ...(wanted !== undefined && wanted !== room.nick ? [210] : [])]
    await this.#present(room, own, client, codes)
    await this.#subject(room, client)
  }

  /** The network has told the room anew: what is different is told. */
  async changed(visit: Visit, old: Room): Promise<void> {
    const { room } = visit
    const names = new Set(room.members.map(({ nick }) => nick))
    if (old.nick !== room.nick) await this.renamed(visit, old.nick, { nick: room.nick, role: 'participant' })
    for (const { nick } of old.members)
      if (!names.has(nick) && nick !== old.nick) await this.gone(visit, nick, undefined)
    for (const member of room.members) {
      const known = old.members.find(({ nick }) => nick === member.nick)
      if (known?.role !== member.role && member.nick !== room.nick) await this.member(visit, member)
    }
    if (old.topic !== room.topic) await this.#each(visit, client => this.#subject(room, client))
  }

  member(visit: Visit, member: RoomMember): Promise<void> {
    const codes = member.nick === visit.room.nick ? [110] : []
    return this.#each(visit, client => this.#present(visit.room, member, client, codes))
  }

  /** §7.6 */
  renamed(visit: Visit, before: string, member: RoomMember): Promise<void> {
    const own = member.nick === visit.room.nick ? [110] : []
    return this.#each(visit, async client => {
      const item = { role: member.role, nick: member.nick }
      await this.#absent(visit.room, before, client, [303, ...own], undefined, item)
      await this.#present(visit.room, member, client, own)
    })
  }

  gone(visit: Visit, nick: string, reason: string | undefined): Promise<void> {
    return this.#each(visit, client => this.#absent(visit.room, nick, client, [], reason))
  }

  /** All clients of the user are out. */
  out(visit: Visit, codes: readonly number[], reason: string | undefined): Promise<void> {
    return this.#each(visit, client => this.#absent(visit.room, visit.room.nick, client, [110, ...codes], reason))
  }

  /** §7.14: this client has left. */
  async bye({ room }: Visit, client: Jid): Promise<void> {
    await this.#absent(room, room.nick, client, [110], undefined)
  }

  /** A line, to all clients of the user. */
  line(visit: Visit, nick: string | undefined, id: string, content: readonly Element[]): Promise<void> {
    const from = this.address(visit.room, nick)
    if (!from) return Promise.resolve()
    const body = Body.of(content)
    return this.#each(visit, to => this.#send(new Message({ type: 'groupchat', id, from, to }, body)))
  }

  address(room: Room, nick: string | undefined): Jid | undefined {
    const jid = this.#net.addresses.of(room.id)
    if (!jid || nick === undefined) return jid
    return Jid.tryParse(`${jid.text}/${clean(nick)}`)
  }

  async #each({ clients }: Visit, task: (client: Jid) => Promise<void>): Promise<void> {
    for (const client of [...clients]) await task(Jid.parse(client))
  }

  async #present(room: Room, { nick, role, id }: RoomMember, to: Jid, codes: readonly number[]): Promise<void> {
    const from = this.address(room, nick)
    const jid = id === undefined ? undefined : this.#net.addresses.of(id)
    if (from)
      await this.#send(
        new Presence({ type: 'available', from, to }, occupant({ affiliation: 'none', role, jid }, codes)),
      )
  }

  async #absent(
    room: Room,
    nick: string,
    to: Jid,
    codes: readonly number[],
    reason: string | undefined,
    item: Attributes = { role: 'none' },
  ): Promise<void> {
    const from = this.address(room, nick)
    const body = occupant({ affiliation: 'none', ...item }, codes, reason)
    if (from) await this.#send(new Presence({ type: 'unavailable', from, to }, body))
  }

  async #subject(room: Room, to: Jid): Promise<void> {
    const from = this.address(room, room.topicBy)
    const subject = el('subject', CLIENT, null, clean(room.topic ?? ''))
    if (from) await this.#send(new Message({ type: 'groupchat', from, to }, Body.of([subject])))
  }

  async #send(stanza: Message | Presence): Promise<void> {
    await this.#net.house.route(stanza)
  }
}

type Attributes = { readonly [name: string]: string | Jid | undefined }

function occupant(item: Attributes, codes: readonly number[], reason?: string): Body {
  const why = reason === undefined ? undefined : el('reason', MUC_USER, null, clean(reason))
  const statuses = codes.map(code => el('status', MUC_USER, { code }))
  return Body.of([el('x', MUC_USER, null, el('item', MUC_USER, item, why), statuses)])
}
