import type { Event, Place, Presence } from '@parley/adapter'
import { Quiet, type Signal } from '../kit/index.ts'
import type { Homeserver, Seen } from './homeserver.ts'

const SHOWS = { online: 'available', unavailable: 'away', offline: 'unavailable' } as const

/** Somebody with an account on the homeserver: what they see is read here as others would, not by the adapter. */
export class MatrixPerson extends Quiet {
  readonly id: string
  readonly told: Event[] = []
  readonly #home: Homeserver

  constructor(home: Homeserver, name: string) {
    super()
    this.#home = home
    this.id = home.register(name)
    home.watch(this.id, (seen, alias) => this.#sees(seen, alias))
    home.isThere(this.id, { presence: 'online' })
  }

  async says(to: string, text: string, replyTo?: string): Promise<string> {
    const relation = replyTo && { 'm.relates_to': { 'm.in_reply_to': { event_id: replyTo } } }
    return this.#does(await this.#room(to), 'm.room.message', { msgtype: 'm.text', body: text, ...relation })
  }

  override async signals(to: string, signal: Signal): Promise<void> {
    const room = await this.#room(to)
    switch (signal.type) {
      case 'typing':
        return this.#home.types(room, this.id, signal.state === 'composing')
      case 'receipt':
        if (signal.level === 'read') for (const id of signal.ids) this.#home.reads(room, this.id, id)
        return
      case 'edit': {
        const relation = { 'm.relates_to': { rel_type: 'm.replace', event_id: signal.target } }
        const content = { msgtype: 'm.text', body: `* ${signal.text}`, ...relation }
        this.#does(room, 'm.room.message', { ...content, 'm.new_content': { msgtype: 'm.text', body: signal.text } })
        return
      }
      case 'retract':
        this.#does(room, 'm.room.redaction', {}, { redacts: signal.target })
        return
      case 'reaction':
        for (const key of signal.emojis) {
          const relation = { rel_type: 'm.annotation', event_id: signal.target, key }
          this.#does(room, 'm.reaction', { 'm.relates_to': relation })
        }
    }
  }

  override async shows({ show, text }: Presence): Promise<void> {
    const isHere = show === 'available' || show === 'chat'
    const presence = isHere ? 'online' : show === 'unavailable' || show === 'invisible' ? 'offline' : 'unavailable'
    const status = show === 'dnd' ? 'busy' : text
    this.#home.isThere(this.id, { presence, ...(status && { status_msg: status }) })
  }

  override async joins(room: string): Promise<void> {
    this.#home.enters(room, this.id)
  }

  override async parts(room: string): Promise<void> {
    this.#home.leaves(await this.#room(room), this.id)
  }

  override async leaves(): Promise<void> {
    await this.shows({ show: 'unavailable' })
  }

  #room(to: string): Promise<string> {
    return this.#home.meets(this.id, to)
  }

  #does(room: string, type: string, content: Seen['content'], more?: object): string {
    return this.#home.does(room, this.id, type, content, more)
  }

  #sees({ type, sender = '', event_id: id = '', redacts = '', content }: Seen, alias: string | undefined): void {
    if (sender === this.id) return
    const place: Place = alias === undefined ? { peer: sender } : { peer: alias, nick: sender }
    const relation = (content['m.relates_to'] ?? {}) as Readonly<Record<string, unknown>>
    const target = String(relation['event_id'] ?? redacts)
    const about = { target, origin: 'remote' as const, ...place }
    if (type === 'm.room.message' && relation['rel_type'] === 'm.replace') {
      const text = (content['m.new_content'] as { readonly body: string }).body
      this.told.push({ type: 'edit', text, ...about })
    } else if (type === 'm.room.message') {
      const answered = relation['m.in_reply_to'] as { readonly event_id: string } | undefined
      const more = answered && { replyTo: answered.event_id }
      this.told.push({ type: 'message', id, text: String(content['body']), origin: 'remote', ...place, ...more })
    } else if (type === 'm.room.redaction') this.told.push({ type: 'retract', ...about })
    else if (type === 'm.reaction') this.told.push({ type: 'reaction', emojis: [String(relation['key'])], ...about })
    else if (type === 'm.presence') {
      const show = SHOWS[content['presence'] as keyof typeof SHOWS]
      const text = show === 'unavailable' ? undefined : (content['status_msg'] as string | undefined)
      this.told.push({ type: 'presence', id: sender, presence: { show, ...(text && { text }) } })
    } else if (type === 'm.typing') {
      for (const peer of content['user_ids'] as readonly string[])
        if (peer !== this.id) this.told.push({ type: 'typing', state: 'composing', peer })
    } else if (type === 'm.receipt') {
      for (const [target, kinds] of Object.entries(content))
        for (const peer of Object.keys((kinds as Record<string, object>)['m.read'] ?? {}))
          if (peer !== this.id) this.told.push({ type: 'receipt', ids: [target], level: 'read', peer })
    }
  }
}
