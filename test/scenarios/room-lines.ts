import type { Actor } from '@parley/testkit'
import { read } from './archive-reader.ts'
import { MUC, ROOM } from './room.ts'

export const RETRACT = 'urn:xmpp:message-retract:1'
const SID = 'urn:xmpp:sid:0'

/** Says one word in the room; gives the room's id of the line, when the speaker and the others have heard it. */
export async function speaks(speaker: Actor, word: string, ...others: readonly Actor[]): Promise<string> {
  await speaker.sends`<message type="groupchat" to="${ROOM}" id="${word}"><body>${word}</body></message>`
  for (const actor of others) await actor.receives`<message type="groupchat"><body>${word}</body></message>`
  const line = await speaker.client.next('the line')
  return line.child('stanza-id', SID)!.attrs['id']!
}

/** What the room's archive says: the words, `†id` for a tombstone of the retraction of that id, `-id` for a retraction. */
export async function archived(actor: Actor): Promise<string[]> {
  const { messages } = await read(actor, { to: ROOM })
  return messages.map(line => {
    const tombstone = line.child('retracted', RETRACT)
    if (tombstone) return `†${tombstone.attrs['id']}${line.textOf('body') ?? ''}`
    const retraction = line.child('retract', RETRACT)
    return retraction ? `-${retraction.attrs['id']}` : line.textOf('body')!
  })
}

/** Enters, and gives all that the room has shown, as XML: who is there, what was said, the subject. */
export async function sees(actor: Actor, nick: string): Promise<string[]> {
  await actor.sends`<presence to="${ROOM}/${nick}"><x xmlns="${MUC}"/></presence>`
  await actor.fence()
  const seen = actor.unexpected.filter(({ name }) => name === 'message').map(String)
  await actor.settles()
  return seen
}
