import { Jid, JidError } from '@parley/jid'
import type { Message } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { isEncrypted } from '../message-rules.ts'
import { WORDS } from './affiliations.ts'
import { MENTIONING } from './namespaces.ts'
import type { Room } from './room.ts'

const REFERENCE = 'urn:xmpp:reference:0'
const CORRECTION = 'urn:xmpp:message-correct:0'

/** Characters of a body that are searched for nicks. */
const READ = 4000
const NOBODY: ReadonlySet<string> = new Set()

/**
 * Accounts that a line names: by address or nick in a reference (XEP-0372), by occupant id or address in an explicit mention
 * (XEP-0513), or by a reserved nick that is a whole word of the body. Groups are not meant: they are of those who are here.
 */
export function mentionedIn(room: Room, said: Message, idOf: (account: string) => string): ReadonlySet<string> {
  let found: Set<string> | undefined
  let body: Element | undefined
  let mentions = 0
  // XEP-0513 §3.6: more are too many.
  const most = room.config.mentionCount
  for (const child of said.children) {
    if (typeof child === 'string') continue
    // Who corrects a line has mentioned already.
    if (child.ns === CORRECTION) return NOBODY
    if (child.name === 'body') body ??= child
    if (child.ns !== REFERENCE && child.ns !== MENTIONING) continue
    if (++mentions > most) return NOBODY
    const account = child.ns === REFERENCE ? referred(room, child) : mentioned(room, child, idOf)
    if (account === undefined) continue
    found ??= new Set()
    found.add(account)
  }
  if (body === undefined || room.affiliations.reserved.size === 0 || isEncrypted(said)) return found ?? NOBODY
  const all = new Set([...(found ?? []), ...named(room, body.text())])
  return all.size > most ? NOBODY : all
}

/** XEP-0372 §3.2: an address; clients that know none name the occupant. */
function referred(room: Room, { name, attrs }: Element): string | undefined {
  // One with an anchor speaks of another message.
  if (name !== 'reference' || attrs['type'] !== 'mention' || attrs['anchor'] !== undefined) return undefined
  const jid = addressIn(attrs['uri'])
  if (!jid) return undefined
  if (!jid.bare.equals(room.jid)) return jid.bare.text
  const nick = jid.resource.toLowerCase()
  for (const [account, affiliated] of room.affiliations) if (affiliated.nick?.toLowerCase() === nick) return account
  return undefined
}

/** XEP-0513 §3.1; §3.5: who must not be disturbed is not, nor who is not active. */
function mentioned(room: Room, mention: Element, idOf: (account: string) => string): string | undefined {
  const { mentions, occupantid, jid } = mention.attrs
  const isQuiet = mention.child('noping', MENTIONING) !== undefined || mention.child('active', MENTIONING) !== undefined
  if (mention.name !== 'mention' || mentions !== undefined || isQuiet) return undefined
  if (occupantid === undefined) return addressOf(jid)?.bare.text
  for (const account of room.affiliations.keys()) if (idOf(account) === occupantid) return account
  return undefined
}

function named(room: Room, body: string): string[] {
  const text = body.slice(0, READ).toLowerCase()
  const found: string[] = []
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    for (const { account, nick, at } of room.affiliations.reserved.get(word) ?? []) {
      const start = index - at
      const end = start + nick.length
      if (start >= 0 && text.startsWith(nick, start) && !(isWord(nick.at(-1)) && isWord(text[end]))) found.push(account)
    }
  }
  return found
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character)
}

/** The address in a URI of RFC 5122. */
function addressIn(uri = ''): Jid | undefined {
  const path = /^xmpp:([^?#]+)/.exec(uri)?.[1] ?? ''
  try {
    return addressOf(decodeURIComponent(path))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

function addressOf(text = ''): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
