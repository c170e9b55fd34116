import { describe, expect, test } from '@jest/globals'
import { readStanza } from '@parley/stanza'
import { parseElement } from '@parley/xml'
import { packetOf } from './packet.ts'

const from = 'from="juliet@a.test/balcony"'
const packet = (xml: string) =>
  packetOf(readStanza(parseElement(xml.replace(/^<(\w+)/, '<$1 xmlns="jabber:client"')), undefined))

describe('what a quiet client is left alone with', () => {
  test.each([
    ['typing', '<composing xmlns="http://jabber.org/protocol/chatstates"/>'],
    [
      'typing in a thread, stamped and not to be stored',
      '<paused xmlns="http://jabber.org/protocol/chatstates"/><thread>t</thread><no-store xmlns="urn:xmpp:hints"/>' +
        '<stanza-id xmlns="urn:xmpp:sid:0" id="1" by="a.test"/>',
    ],
    ['a receipt', '<received xmlns="urn:xmpp:receipts" id="1"/><store xmlns="urn:xmpp:hints"/>'],
    ['a marker', '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>'],
    [
      'an avatar',
      '<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="urn:xmpp:avatar:metadata"/></event>',
    ],
  ])('%s', (_, content) => {
    expect(packet(`<message type="chat">${content}</message>`).urgency).toBe('later')
  })

  test.each(['', 'type="unavailable"'])('presence %s, of which the latest is enough', type => {
    expect(packet(`<presence ${type}/>`)).toMatchObject({ urgency: 'later', replaces: expect.any(String) })
  })
})

describe('what comes at once', () => {
  test.each([
    ['a text', '<body>Hi</body><active xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['a secret', '<encrypted xmlns="eu.siacs.conversations.axolotl"/><store xmlns="urn:xmpp:hints"/>'],
    ['a secret of the other kind', '<encrypted xmlns="urn:xmpp:omemo:2"/>'],
    ['OpenPGP', '<openpgp xmlns="urn:xmpp:openpgp:0">AA==</openpgp>'],
    ['a call', '<propose xmlns="urn:xmpp:jingle-message:0" id="1"/>'],
    ['a call that ends', '<retract xmlns="urn:xmpp:jingle-message:0" id="1"/>'],
    ['a request for a marker', '<markable xmlns="urn:xmpp:chat-markers:0"/>'],
    ['a subject', '<subject>News</subject>'],
    ['an invitation', '<x xmlns="jabber:x:conference" jid="room@a.test"/>'],
    [
      'what another client has read',
      '<event xmlns="http://jabber.org/protocol/pubsub#event"><items node="urn:xmpp:mds:displayed:0"/></event>',
    ],
    ['something unknown', '<x xmlns="urn:example:unknown"/>'],
    ['nothing at all', ''],
  ])('%s', (_, content) => {
    expect(packet(`<message type="chat" ${from}>${content}</message>`).urgency).toBe('now')
  })

  test('an error', () => {
    const typing = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'
    expect(packet(`<message type="error">${typing}</message>`).urgency).toBe('now')
  })

  test.each(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'error', 'probe'])(
    'presence of type %s',
    type => {
      expect(packet(`<presence type="${type}"/>`).urgency).toBe('now')
    },
  )

  test('being in a room, and being thrown out of it', () => {
    const self = '<x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x>'
    expect(packet(`<presence>${self}</presence>`).urgency).toBe('now')
    expect(packet(`<presence type="unavailable">${self}</presence>`).urgency).toBe('now')
  })

  test.each(['get', 'set', 'result', 'error'])('an iq of type %s', type => {
    expect(packet(`<iq type="${type}" id="1"><ping xmlns="urn:xmpp:ping"/></iq>`).urgency).toBe('now')
  })
})
