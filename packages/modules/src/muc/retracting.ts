import { Message, parseStanza } from '@parley/stanza'
import { idFromText } from '@parley/store'
import type { Element } from '@parley/xml'
import { identified } from '../message-log.ts'
import { isTombstone, occupantOf, type Retraction, retracted, tombstone } from '../tombstones.ts'
import type { Open } from './keeper.ts'
import type { Parts } from './parts.ts'

/**
 * An occupant has taken back a line of its own (XEP-0424): a tombstone stands in its place, in what those who enter are
 * shown and in the archive. A line of somebody else stays.
 */
export async function takeBack(
  parts: Parts,
  open: Open,
  occupantId: string,
  { original, id }: Retraction,
): Promise<void> {
  // §5.1: the room's own id of the line, no other.
  const row = idFromText(original)
  const mark = retracted(id, parts.clock.now())
  // §5: by the occupant's id, since a nick has had others.
  if (row !== undefined) await bury(parts, open, row, mark, line => occupantOf(line) === occupantId)
}

/** Puts a tombstone in the place of a line. */
export async function bury(
  { store: { messages } }: Pick<Parts, 'store'>,
  { room, earlier }: Open,
  row: bigint,
  mark: Element,
  isMeant: (line: Message) => boolean = () => true,
): Promise<void> {
  const isBuried = (line: Message) => isTombstone(line) || !isMeant(line)
  const n = earlier.findIndex(entry => entry.row === row)
  const shown = earlier[n]
  if (shown) {
    const line = new Message({ type: 'groupchat', from: shown.from, id: shown.id }, shown.body)
    if (isBuried(line)) return
    earlier[n] = { ...shown, body: identified(tombstone(line, mark), room.jid, row).body }
  }
  const stored = await messages.byId(room.jid.text, row)
  const line = stored && (parseStanza(stored.stanza) as Message)
  if (line && !isBuried(line)) await messages.replace(room.jid.text, row, tombstone(line, mark).toXml())
}
