import type { Event, Place } from '@parley/adapter'
import { answered, clean, eventId, wordsOf } from './content.ts'
import { canonical, type Ghosts } from './ids.ts'
import { type Fields, fieldsOf, listOf, textOf } from './json.ts'
import type { Hall, Places } from './places.ts'
import { fromMatrix } from './presence.ts'

const REMEMBERED = 5000

export interface IncomingOptions {
  readonly ghosts: Ghosts
  readonly places: Places
  emit(event: Event): void
  /** Somebody there wants to talk with a user of ours. */
  invited(room: string, user: string, peer: string): Promise<void>
  /** Somebody whom a user wanted to talk with has come into their room. */
  met(user: string, peer: string): Promise<void>
  /** What a room is about has changed, whoever has changed it. */
  changed(hall: Hall): Promise<void>
  /** A conversation that cannot be read. */
  encrypted(room: string, user: string): Promise<void>
}

/** An event of the network that has what all have. */
interface Happening {
  readonly room: string
  readonly sender: string
  readonly id: string
  readonly content: Fields
  readonly fields: Fields
  readonly at: number | undefined
}

/** What happens there, as events. What makes no sense is passed over. */
export class Incoming {
  readonly #options: IncomingOptions
  /** Reactions by their own id: one that is taken back names only that. */
  readonly #reactions = new Map<
    string,
    { readonly room: string; readonly sender: string; readonly target: string; readonly emoji: string }
  >()
  readonly #typing = new Map<string, ReadonlySet<string>>()

  constructor(options: IncomingOptions) {
    this.#options = options
  }

  async event(value: unknown): Promise<void> {
    const fields = fieldsOf(value)
    const room = textOf(fields?.['room_id'])
    const sender = canonical(textOf(fields?.['sender']) ?? '')
    const id = eventId(fields?.['event_id'])
    const content = fieldsOf(fields?.['content'])
    if (!fields || !content || room === undefined || sender === undefined || id === undefined) return
    const time = fields['origin_server_ts']
    const at = Number.isSafeInteger(time) && (time as number) > 0 ? (time as number) : undefined
    const happening: Happening = { room, sender, id, content, fields, at }
    if (fields['type'] === 'm.room.member') {
      await this.#member(happening)
      return
    }
    if (fields['type'] === 'm.room.topic') {
      const hall = this.#options.places.hall(room)
      if (hall) await this.#options.changed(hall)
      return
    }
    // What our own users say is known (threat 157).
    if (this.#options.ghosts.userOf(sender) !== undefined) return
    switch (fields['type']) {
      case 'm.room.message':
        this.#message(happening)
        break
      case 'm.reaction':
        this.#reaction(happening)
        break
      case 'm.room.redaction':
        this.#redaction(happening)
        break
      case 'm.room.encrypted': {
        const direct = this.#options.places.direct(room)
        if (direct) await this.#options.encrypted(room, direct.user)
      }
    }
  }

  ephemeral(value: unknown): void {
    const fields = fieldsOf(value)
    const content = fieldsOf(fields?.['content'])
    const room = textOf(fields?.['room_id']) ?? ''
    if (!fields || !content) return
    if (fields['type'] === 'm.typing') this.#typingIn(room, listOf(content['user_ids']))
    else if (fields['type'] === 'm.receipt') this.#receipts(room, content)
    else if (fields['type'] === 'm.presence') this.#presence(canonical(textOf(fields['sender']) ?? ''), content)
  }

  /** For each user of ours whom something in a room concerns: where it happened. */
  #heardBy(room: string, sender: string): { readonly user: string; readonly place: Place }[] {
    const { places } = this.#options
    const direct = places.direct(room)
    if (direct) return direct.peer === sender ? [{ user: direct.user, place: { peer: sender } }] : []
    const hall = places.hall(room)
    return (hall?.users ?? []).map(user => ({ user, place: { peer: hall!.alias, nick: sender } }))
  }

  #message({ room, sender, id, content, at }: Happening): void {
    const relation = fieldsOf(content['m.relates_to'])
    const target = eventId(relation?.['event_id'])
    const replaces = relation?.['rel_type'] === 'm.replace' && target !== undefined
    const text = wordsOf((replaces && fieldsOf(content['m.new_content'])) || content)
    if (text === undefined) return
    const replyTo = answered(content)
    for (const { user, place } of this.#heardBy(room, sender)) {
      if (replaces) this.#options.emit({ type: 'edit', user, target, text, origin: 'remote', ...place })
      else {
        const more = { ...(at !== undefined && { at }), ...(replyTo !== undefined && { replyTo }) }
        this.#options.emit({ type: 'message', user, id, text, origin: 'remote', ...place, ...more })
      }
    }
  }

  #reaction({ room, sender, id, content }: Happening): void {
    const relation = fieldsOf(content['m.relates_to'])
    const target = eventId(relation?.['event_id'])
    const emoji = clean(textOf(relation?.['key']) ?? '').slice(0, 40)
    if (relation?.['rel_type'] !== 'm.annotation' || target === undefined || emoji === '') return
    this.#reactions.set(id, { room, sender, target, emoji })
    if (this.#reactions.size > REMEMBERED) this.#reactions.delete(this.#reactions.keys().next().value!)
    this.#reactionsTo(room, sender, target)
  }

  /** All of somebody's to one message: that is what reactions are here. */
  #reactionsTo(room: string, sender: string, target: string): void {
    const all = [...this.#reactions.values()].filter(each => each.sender === sender && each.target === target)
    const emojis = [...new Set(all.map(({ emoji }) => emoji))]
    for (const { user, place } of this.#heardBy(room, sender))
      this.#options.emit({ type: 'reaction', user, target, emojis, origin: 'remote', ...place })
  }

  #redaction({ room, sender, content, fields }: Happening): void {
    // Its place depends on the version of the room.
    const target = eventId(fields['redacts']) ?? eventId(content['redacts'])
    if (target === undefined) return
    const reaction = this.#reactions.get(target)
    if (reaction) {
      this.#reactions.delete(target)
      this.#reactionsTo(room, reaction.sender, reaction.target)
      return
    }
    for (const { user, place } of this.#heardBy(room, sender))
      this.#options.emit({ type: 'retract', user, target, origin: 'remote', ...place })
  }

  async #member({ room, sender, content, fields }: Happening): Promise<void> {
    const { ghosts, places, emit } = this.#options
    const who = canonical(textOf(fields['state_key']) ?? '')
    const membership = textOf(content['membership'])
    if (who === undefined) return
    const user = ghosts.userOf(who)
    if (user !== undefined && membership === 'invite' && ghosts.userOf(sender) === undefined) {
      await this.#options.invited(room, user, sender)
      return
    }
    const direct = places.direct(room)
    if (direct && (membership === 'leave' || membership === 'ban') && (who === direct.peer || user === direct.user)) {
      await places.removeDirect(room)
      return
    }
    if (direct && membership === 'join' && who === direct.peer) await this.#options.met(direct.user, who)
    const hall = places.hall(room)
    if (!hall) return
    const reason = clean(textOf(content['reason']) ?? '')
    const why = reason ? { reason } : {}
    const gone = membership === 'leave' || membership === 'ban'
    if (gone && user !== undefined && hall.users.includes(user)) {
      await places.leave(room, user)
      emit({ type: 'room-left', user, id: hall.alias, ...why, ...(membership === 'ban' && { banned: true }) })
    }
    for (const each of hall.users) {
      if (each === user) continue
      if (gone) emit({ type: 'room-member-gone', user: each, id: hall.alias, nick: who, ...why })
      else if (membership === 'join')
        emit({ type: 'room-member', user: each, id: hall.alias, member: { nick: who, role: 'participant', id: who } })
    }
  }

  #typingIn(room: string, ids: readonly unknown[]): void {
    const { ghosts, emit } = this.#options
    const now = new Set(ids.slice(0, 100).flatMap(id => canonical(textOf(id) ?? '') ?? []))
    const before = this.#typing.get(room) ?? new Set()
    if (now.size === 0) this.#typing.delete(room)
    else if (this.#typing.size < REMEMBERED) this.#typing.set(room, now)
    const tell = (id: string, state: 'composing' | 'paused') => {
      if (ghosts.userOf(id) !== undefined) return
      for (const { user, place } of this.#heardBy(room, id)) emit({ type: 'typing', user, state, ...place })
    }
    for (const id of now) if (!before.has(id)) tell(id, 'composing')
    for (const id of before) if (!now.has(id)) tell(id, 'paused')
  }

  #receipts(room: string, content: Fields): void {
    for (const [target, kinds] of Object.entries(content).slice(0, 100)) {
      const id = eventId(target)
      const readers = fieldsOf(fieldsOf(kinds)?.['m.read'])
      for (const reader of Object.keys(readers ?? {}).slice(0, 100)) {
        const sender = canonical(reader)
        if (id === undefined || sender === undefined || this.#options.ghosts.userOf(sender) !== undefined) continue
        for (const { user, place } of this.#heardBy(room, sender))
          this.#options.emit({ type: 'receipt', user, ids: [id], level: 'read', ...place })
      }
    }
  }

  #presence(id: string | undefined, content: Fields): void {
    const presence = fromMatrix(textOf(content['presence']) ?? '', clean(textOf(content['status_msg']) ?? ''))
    if (id === undefined || !presence) return
    for (const user of this.#options.places.usersOf(id)) this.#options.emit({ type: 'presence', user, id, presence })
  }
}
