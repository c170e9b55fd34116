import { describe, expect, test } from '@jest/globals'
import { type Message, parseStanza } from '@parley/stanza'
import { type Fate, fateOf } from './message-rules.ts'

const fate = (xml: string): Fate => fateOf(parseStanza(xml) as Message)
const chat = (children: string) => fate(`<message type="chat" to="juliet@a.test" id="m">${children}</message>`)

const BODY = '<body>soft</body>'
const hint = (name: string) => `<${name} xmlns="urn:xmpp:hints"/>`
const TYPING = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'
const EVENT =
  '<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="urn:xmpp:avatar:metadata"><item id="1"/></items></event>'

describe('kept, and waiting for who is away', () => {
  test.each<[string, string]>([
    ['what is said', BODY],
    ['a thread with its body (XEP-0201)', `<thread>t</thread>${BODY}`],
    ['a body with a chat state (XEP-0085)', `${BODY}<active xmlns="http://jabber.org/protocol/chatstates"/>`],
    ['a receipt (XEP-0184)', '<received xmlns="urn:xmpp:receipts" id="1"/>'],
    ['a marker (XEP-0333)', '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>'],
    ['a reaction (XEP-0444)', '<reactions xmlns="urn:xmpp:reactions:0" id="1"><reaction>👋</reaction></reactions>'],
    ['all reactions taken back (XEP-0444)', '<reactions xmlns="urn:xmpp:reactions:0" id="1"/>'],
    ['a correction (XEP-0308)', '<replace xmlns="urn:xmpp:message-correct:0" id="1"/>'],
    ['a reply (XEP-0461)', '<reply xmlns="urn:xmpp:reply:0" to="romeo@a.test" id="1"/>'],
    ['a retraction (XEP-0424)', '<retract xmlns="urn:xmpp:message-retract:1" id="1"/>'],
    ['a moderation (XEP-0425)', '<moderated xmlns="urn:xmpp:message-moderate:1" by="room@b.test/nurse"/>'],
    [
      'OMEMO without a body (XEP-0384 0.3)',
      '<encrypted xmlns="eu.siacs.conversations.axolotl"><header sid="1"/></encrypted>',
    ],
    ['OMEMO without a body (XEP-0384)', '<encrypted xmlns="urn:xmpp:omemo:2"><header sid="1"/></encrypted>'],
    [
      'a secret of a kind that is not known (XEP-0380)',
      '<encryption xmlns="urn:xmpp:eme:0" namespace="urn:example:mls"/>',
    ],
    [
      'a reference to what was said before (XEP-0372)',
      '<reference xmlns="urn:xmpp:reference:0" anchor="xmpp:a.test"/>',
    ],
    ['a file (XEP-0447)', '<file-sharing xmlns="urn:xmpp:sfs:0" disposition="inline"/>'],
    ['an address of a file (XEP-0066)', '<x xmlns="jabber:x:oob"><url>https://a.test/f</url></x>'],
    ['an envelope (XEP-0420)', '<envelope xmlns="urn:xmpp:sce:1"><content/></envelope>'],
    ['OpenPGP (XEP-0373)', '<openpgp xmlns="urn:xmpp:openpgp:0">AA==</openpgp>'],
    ['OpenPGP of old (XEP-0027)', '<x xmlns="jabber:x:encrypted">AA==</x>'],
    ['a call that begins (XEP-0353)', '<propose xmlns="urn:xmpp:jingle-message:0" id="1"/>'],
    ['a call that ends (XEP-0353)', '<finish xmlns="urn:xmpp:jingle-message:0" id="1"/>'],
    ['an invitation to a call (XEP-0482)', '<invite xmlns="urn:xmpp:call-invites:0" video="true"/>'],
    ['an invitation to a room (XEP-0249)', '<x xmlns="jabber:x:conference" jid="room@b.test"/>'],
    [
      'an invitation by the room (XEP-0045)',
      '<x xmlns="http://jabber.org/protocol/muc#user"><invite from="nurse@a.test"/></x>',
    ],
    ['typing that shall be stored (XEP-0334)', `${TYPING}${hint('store')}`],
    ['a body whose copies are forbidden (XEP-0334)', `${BODY}${hint('no-copy')}`],
  ])('%s', (_, children) => {
    expect(chat(children)).toEqual({ keep: true, wait: true })
    expect(fate(`<message to="juliet@a.test">${children}</message>`)).toEqual({ keep: true, wait: true })
  })
})

describe('waiting, in no archive', () => {
  test.each<[string, string]>([
    ['no-permanent-store (XEP-0334)', `${BODY}${hint('no-permanent-store')}`],
    ['no-permanent-store beside store (XEP-0334)', `${BODY}${hint('store')}${hint('no-permanent-store')}`],
    ['an event of a node (XEP-0060)', EVENT],
    ['an event with words for people (XEP-0060)', `${BODY}${EVENT}`],
    ['an event that shall be stored', `${EVENT}${hint('store')}`],
    ['what nobody here knows', '<x xmlns="urn:example:unknown"/>'],
    ['a wish for a receipt alone (XEP-0184)', '<request xmlns="urn:xmpp:receipts"/>'],
    ['a wish for markers alone (XEP-0333)', '<markable xmlns="urn:xmpp:chat-markers:0"/>'],
  ])('%s', (_, children) => {
    expect(chat(children)).toEqual({ keep: false, wait: true })
  })
})

describe('neither', () => {
  test.each<[string, string]>([
    ['nothing', '<message type="chat" to="juliet@a.test"/>'],
    ['spaces', '<message type="chat" to="juliet@a.test"> </message>'],
    ['typing (XEP-0085)', `<message type="chat" to="juliet@a.test">${TYPING}</message>`],
    ['typing in a thread (XEP-0085)', `<message type="chat" to="juliet@a.test">${TYPING}<thread>t</thread></message>`],
    ['no-store (XEP-0334)', `<message type="chat" to="juliet@a.test">${BODY}${hint('no-store')}</message>`],
    [
      'no-store after store (XEP-0334)',
      `<message to="juliet@a.test">${hint('store')}${BODY}${hint('no-store')}</message>`,
    ],
    ['a headline', `<message type="headline" to="juliet@a.test">${BODY}</message>`],
    ['an event in a headline', `<message type="headline" to="juliet@a.test">${EVENT}</message>`],
    ['what is said in a room', `<message type="groupchat" to="juliet@a.test">${BODY}</message>`],
    ['an error by itself', `<message type="error" to="juliet@a.test">${BODY}${hint('store')}</message>`],
  ])('%s', (_, xml) => {
    expect(fate(xml)).toEqual({ keep: false, wait: false })
  })
})
