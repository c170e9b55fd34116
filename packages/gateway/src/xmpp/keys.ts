import { randomUUID } from 'node:crypto'
import { Jid } from '@parley/jid'
import { Message, type MessageType } from '@parley/stanza'

/**
 * Names a message so that its sender can be told what became of it, whenever that is, and by whichever process: the key says
 * who has sent it and how. The same one for a message that comes again (`mid`).
 */
export function keyOf({ from, to, id, type }: Message, mid: string = randomUUID()): string {
  return JSON.stringify([mid, from!.text, to!.text, id ?? '', type])
}

/** The head of the message that has a key; undefined where it is no such key. */
export function messageOf(key: string): Message | undefined {
  if (!key.startsWith('["')) return undefined
  const [, from, to, id, type] = JSON.parse(key) as string[]
  const head = { from: Jid.tryParse(from ?? ''), to: Jid.tryParse(to ?? ''), type: type as MessageType }
  if (!head.from || !head.to) return undefined
  return new Message({ ...head, ...(id !== '' && { id }) })
}

/** The id of a stanza, where its key stands for it: the engine has written it down behind a restart. */
export function stanzaIdOf(known: string): string {
  return messageOf(known)?.id ?? known
}
