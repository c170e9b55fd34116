import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { Body, Message, parseStanza, StanzaError } from '@parley/stanza'
import { idFromText, idText } from '@parley/store'
import { type Element, el } from '@parley/xml'
import type { Request } from '@xmpp/server-core'
import { identified, rowOf } from '../message-log.ts'
import { isTombstone, RETRACT, retracted } from '../tombstones.ts'
import type { Open } from './keeper.ts'
import { MODERATE } from './namespaces.ts'
import { idElement, type Occupant } from './occupant.ts'
import type { Parts } from './parts.ts'
import { bury } from './retracting.ts'
import { hasRole } from './roles.ts'
import type { Room } from './room.ts'

/** A moderator takes back what somebody has said (XEP-0425): everybody hears it, and a tombstone says so for later. */
export async function moderate(parts: Parts, open: Open, { from, payload }: Request): Promise<undefined> {
  const { room } = open
  const moderator = moderatorOf(room, from)
  if (!payload.child('retract', RETRACT)) throw new StanzaError('bad-request', 'A moderator retracts, nothing else')
  const row = idFromText(payload.attrs['id'] ?? '')
  const stored = row === undefined ? undefined : await parts.store.messages.byId(room.jid.text, row)
  const line = stored && (parseStanza(stored.stanza) as Message)
  // What the room has said, such as this, stays.
  if (!stored || !line?.from || line.from.isBare) throw new StanzaError('item-not-found', 'The room has no such line')
  if (isTombstone(line)) return undefined
  const id = randomUUID()
  const moderated = moderatedBy(moderator, payload.textOf('reason', MODERATE))
  const told = el('retract', RETRACT, { id: idText(stored.id) }, moderated)
  await tell(parts, open, new Message({ type: 'groupchat', from: room.jid, id }, Body.of([told])))
  await bury(parts, open, stored.id, retracted(id, parts.clock.now(), ...moderated))
  return undefined
}

function moderatorOf(room: Room, from: Jid): Occupant {
  const occupant = room.byReal(from)
  if (!occupant || !hasRole(occupant.role, 'moderator')) {
    throw new StanzaError('forbidden', 'Only moderators take back what others say')
  }
  return occupant
}

function moderatedBy({ jid, id }: Occupant, reason: string | undefined): readonly Element[] {
  const moderated = el('moderated', MODERATE, { by: jid }, idElement(id))
  return reason === undefined ? [moderated] : [moderated, el('reason', RETRACT, null, reason)]
}

/** The room says something itself: kept first, in its turn among the lines, so that who was away reads it (XEP-0424 §5). */
async function tell({ store, keeper, outlet, clock }: Parts, open: Open, said: Message): Promise<void> {
  const { room, sayings } = open
  sayings.begin()
  try {
    const [id] = await store.messages.append([rowOf(said, room.jid, room.jid, { kept: true, owed: false })])
    const marked = identified(said, room.jid, id!)
    outlet.during(undefined, () => room.say(marked))
    keeper.remember(open, { row: id!, from: room.jid, id: said.id, body: marked.body, at: clock.now() })
  } finally {
    sayings.end()
  }
}
