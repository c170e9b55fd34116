import type { Jid } from '@parley/jid'
import { Body, formOf, Message, readSubmission, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type IqRoute, iqGet, iqSet, type Request } from '@xmpp/server-core'
import { changedConfig, fieldsOf, type RoomConfig } from './config.ts'
import type { Open } from './keeper.ts'
import { MENTIONING } from './namespaces.ts'
import type { Occupant } from './occupant.ts'
import { inTurn, opened, type Parts } from './parts.ts'
import { maySpeak, type Room } from './room.ts'

/** Whether mentions of that occupant count. */
export function mayMention({ config }: Room, occupant: Occupant): boolean {
  switch (config.mentionIndividual) {
    case 'participants':
      return maySpeak(occupant)
    case 'moderators':
      return occupant.role === 'moderator'
    case 'none':
      return false
  }
}

/** Who may mention whom, as the owners of a room say (XEP-0513 §3.6). */
export function mentionRoutes(parts: Parts): readonly IqRoute[] {
  const { keeper, outlet } = parts

  async function get({ from, to }: Request): Promise<Element> {
    const { room } = await opened(parts, to, from)
    const form = formOf('form', MENTIONING, {
      title: 'Who may mention whom',
      fields: fieldsOf(room.config, 'mentions'),
    })
    return el('query', MENTIONING, null, form.toElement())
  }

  async function set({ room }: Open, { from, payload }: Request): Promise<undefined> {
    const config = changed(room, from, payload)
    if (!config) return
    const { jid, subject, isLocked } = room
    await keeper.save({ jid, subject, isLocked, config })
    const before = room.config
    room.config = config
    outlet.during(undefined, () => tell(room, before))
  }

  return [iqGet('account', MENTIONING, 'query', get), iqSet('account', MENTIONING, 'query', inTurn(parts, set))]
}

/** @throws StanzaError `forbidden`, `bad-request`, `not-acceptable` */
function changed(room: Room, from: Jid, query: Element): RoomConfig | undefined {
  if (room.affiliationOf(from.bare) !== 'owner')
    throw new StanzaError('forbidden', 'Only owners say who may mention whom')
  const form = readSubmission(query, MENTIONING)
  if (!form) throw new StanzaError('bad-request', 'A form with the permissions is needed')
  return form.type === 'cancel' ? undefined : changedConfig(room.config, form, 'mentions')
}

/** What has changed, and only that. */
function tell(room: Room, before: RoomConfig): void {
  const old = fieldsOf(before, 'mentions')
  const fields = fieldsOf(room.config, 'mentions').filter(({ values }, n) => values.join() !== old[n]!.values.join())
  if (fields.length === 0) return
  const form = formOf('result', MENTIONING, { fields })
  room.say(new Message({ type: 'groupchat', from: room.jid }, Body.of([form.toElement()])))
}
