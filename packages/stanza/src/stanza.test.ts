import { describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { el, parseElement } from '@parley/xml'
import { Body } from './body.ts'
import { StanzaError } from './error.ts'
import { errorOf } from './reply.ts'
import { Message, parseStanza, readStanza } from './stanza.ts'

const ROMEO = Jid.parse('romeo@a.test/orchard')
const JULIET = Jid.parse('juliet@a.test')
const XML =
  '<message from="romeo@a.test/orchard" to="juliet@a.test" type="chat" id="m" xml:lang="it"><body>a &lt; b</body></message>'
const read = (xml: string) => readStanza(parseElement(xml.replace(/^<(\w+)/, '<$1 xmlns="jabber:client"')), ROMEO)

describe('a stanza', () => {
  test('is written as it was read', () => {
    expect(read(XML).toXml()).toBe(XML)
    expect(parseStanza(XML).toXml()).toBe(XML)
  })

  test('has the sender that was proven, whatever it says', () => {
    expect(read('<presence from="juliet@a.test"/>').from).toBe(ROMEO)
  })

  test('changes what is named and nothing else; undefined takes away', () => {
    const message = read(XML) as Message
    expect(message.with({ to: ROMEO }).toXml()).toBe(XML.replace('to="juliet@a.test"', 'to="romeo@a.test/orchard"'))
    const bare = message.with({ id: undefined, attrs: undefined, from: undefined })
    expect(bare.toXml()).toBe('<message to="juliet@a.test" type="chat"><body>a &lt; b</body></message>')
    expect(message.toXml()).toBe(XML)
  })

  test.each([
    ['<iq type="set"><a/></iq>', 'An IQ needs an id'],
    ['<iq id="1"><a/></iq>', 'Unknown IQ type'],
    ['<iq id="1" type="get"/>', 'An IQ request needs one child element'],
    ['<iq id="1" type="get"><a/><b/></iq>', 'An IQ request needs one child element'],
    ['<presence type="here"/>', 'Unknown presence type'],
  ])('%s is refused', (xml, text) => {
    expect(() => read(xml)).toThrow(new StanzaError('bad-request', text))
  })

  test('of unknown message type is normal', () => {
    expect(read('<message type="sonnet"/>').type).toBe('normal')
  })

  test('goes back as an error, without what only its sender said of it', () => {
    const error = errorOf(read(XML), new StanzaError('gone', 'Away'))
    expect(error.toXml()).toBe(
      '<message from="juliet@a.test" to="romeo@a.test/orchard" type="error" id="m"><error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">Away</text></error></message>',
    )
  })
})

test('an error has what belongs to it before it', () => {
  const refused = new StanzaError('not-acceptable', '', { beside: el('list', 'urn:x') })
  expect(errorOf(read(`<iq id="1" type="set"><a xmlns="urn:a"/></iq>`), refused).toXml()).toBe(
    '<iq to="romeo@a.test/orchard" type="error" id="1"><list xmlns="urn:x"/><error type="modify"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>',
  )
})

test('an error says where to go instead', () => {
  const moved = new StanzaError('gone', 'Moved', { address: 'xmpp:castle@conference.a.test?join' })
  expect(moved.toElement().firstElement()?.text()).toBe('xmpp:castle@conference.a.test?join')
})

describe('a body', () => {
  const child = el('stanza-id', 'urn:xmpp:sid:0', { id: '1' })

  test.each([
    ['read', (read(XML) as Message).body],
    ['from XML', Body.fromXml('<body>a &lt; b</body>')],
  ])('%s grows by a child, the shorter one stays', (_, body) => {
    const longer = body.plus(child)
    expect(longer.xml).toBe('<body>a &lt; b</body><stanza-id xmlns="urn:xmpp:sid:0" id="1"/>')
    expect(longer.nodes).toHaveLength(2)
    expect(longer.plus(child).nodes).toHaveLength(3)
    expect(body.xml).toBe('<body>a &lt; b</body>')
    expect(new Message({ type: 'chat', to: JULIET }, longer).child('stanza-id', 'urn:xmpp:sid:0')).toBe(child)
  })
})
