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
/** Nicks that are compared with a body: where very many begin with the same word, no line costs more. */
const COMPARED = 1000
const NOBODY: ReadonlySet<string> = new Set()

/**
 * Accounts that a line names: by address or nick in a reference (XEP-0372), by occupant id or address in an explicit mention
 * (XEP-0513), or by a reserved nick that is a whole word of the body. Groups are not meant: they are of those who are here.
 */
export function mentionedIn(room: Room, said: Message, byId: (id: string) => string | undefined): ReadonlySet<string> {
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
    const account = child.ns === REFERENCE ? referred(room, child) : mentioned(child, byId)
    if (account === undefined) continue
    found ??= new Set()
    found.add(account)
  }
  if (body === undefined || room.affiliations.nicks.byWord.size === 0 || isEncrypted(said)) return found ?? NOBODY
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
  return room.affiliations.nicks.accounts.get(jid.resource.toLowerCase())
}

/** XEP-0513 §3.1; §3.5: who must not be disturbed is not, nor who is not active. */
function mentioned(mention: Element, byId: (id: string) => string | undefined): string | undefined {
  const { mentions, occupantid, jid } = mention.attrs
  const isQuiet = mention.child('noping', MENTIONING) !== undefined || mention.child('active', MENTIONING) !== undefined
  if (mention.name !== 'mention' || mentions !== undefined || isQuiet) return undefined
  return occupantid === undefined ? addressOf(jid)?.bare.text : byId(occupantid)
}

function named(room: Room, body: string): string[] {
  const text = body.slice(0, READ).toLowerCase()
  const found: string[] = []
  const { byWord } = room.affiliations.nicks
  let left = COMPARED
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    for (const { account, nick, at } of byWord.get(word) ?? []) {
      if (left-- === 0) return found
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
