import { expect } from '@jest/globals'
import { capture, refused, scenario } from '@parley/testkit'

scenario(
  'RFC 6120 § 8.1: from is the address that was bound, to stays, id and language are kept',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    for (const from of ['', ' from="romeo@a.test"', ` from="${romeo}"`, ' from="ROMEO@A.test/orchard"']) {
      await romeo.sendsRaw(
        `<message${from} to="${juliet}" type="chat" id="m&amp;1" xml:lang="it"><body>O</body></message>`,
      )
      await juliet.receives`<message from="${romeo}" to="${juliet}" type="chat" id="m&amp;1" xml:lang="it"><body>O</body></message>`
    }
  },
)

scenario('RFC 6120 § 8.1.1: an address that is none is refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  for (const to of ['@', 'a@b@c', 'romeo@', `${'x'.repeat(1024)}@a.test`]) {
    await romeo.sendsRaw(`<message to="${to}" id="m"><body>Hi</body></message>`)
    await romeo.receives`<message type="error" id="m"><error type="modify"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  }
})

scenario('RFC 6120 § 8.2.3: each request has exactly one answer, with its id', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<iq type="get" id="same" to="${juliet}"><ping xmlns="urn:xmpp:ping"/></iq>`
  const { id } = await juliet.receives`<iq type="get" from="${romeo}" id="${capture('id')}"/>`
  await juliet.sendsRaw(`<iq type="result" id="${id}" to="${romeo}"/>`)
  await romeo.receives`<iq type="result" from="${juliet}" id="same"/>`
})

scenario('RFC 6120 § 8.2.3: an IQ that breaks the rules is refused, an answer never', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  for (const iq of [
    '<iq type="get" id="1"/>',
    '<iq type="set" id="1"><a xmlns="urn:x"/><b xmlns="urn:x"/></iq>',
    '<iq type="nonsense" id="1"><a xmlns="urn:x"/></iq>',
    '<iq id="1"><a xmlns="urn:x"/></iq>',
  ]) {
    await romeo.sendsRaw(iq)
    await romeo.receives`<iq type="error" id="1"><error type="modify"><bad-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`
  }
  await romeo.sendsRaw('<iq type="get"><ping xmlns="urn:xmpp:ping"/></iq>')
  await romeo.receives`<iq type="error"><error type="modify"/></iq>`
  for (const type of ['result', 'error']) await romeo.sendsRaw(`<iq type="${type}" id="1" to="ghost@a.test"/>`)
  await romeo.receivesNothing()
})

scenario('RFC 6120 § 8.3: an error goes back to the sender and is answered by nobody', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await romeo.sends`<message type="chat" to="ghost@a.test" id="m1"><body>Hello?</body></message>`
  await romeo.receives`<message type="error" from="ghost@a.test" to="${romeo}" id="m1"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await romeo.sends`<message type="error" to="ghost@a.test" id="m2"><error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await romeo.receivesNothing()
})

scenario('RFC 6120 § 8.4: what nobody understands: a request is refused, the rest is passed on', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await refused(romeo.asks`<iq type="get"><nope xmlns="urn:x"/></iq>`, 'service-unavailable')
  await refused(romeo.asks`<iq type="set" to="juliet@a.test"><nope xmlns="urn:x"/></iq>`, 'service-unavailable')
  await romeo.sends`<message type="chat" to="${juliet}"><body>Hi</body><odd xmlns="urn:x" a="1"><er/></odd></message>`
  await juliet.receives`<message><body>Hi</body><odd xmlns="urn:x" a="1"><er/></odd></message>`
})

scenario('RFC 6120 § 10.3: without "to" a stanza is for the own account', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  const answer = await romeo.asksRaw('<iq type="get" id="own"><ping xmlns="urn:xmpp:ping"/></iq>')
  expect([answer.attrs['type'], answer.attrs['from']]).toEqual(['result', undefined])
  await romeo.sends`<message type="chat"><body>Note to self</body></message>`
  await romeo.receives`<message from="${romeo}"><body>Note to self</body></message>`
})

scenario('RFC 6120 § 10.5: to the domain, the account, the resource, and elsewhere', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.asks`<iq type="get" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`
  await refused(
    romeo.asks`<iq type="get" to="${juliet.bare}/gone"><ping xmlns="urn:xmpp:ping"/></iq>`,
    'service-unavailable',
  )
  await refused(romeo.asks`<iq type="get" to="x.invalid"><ping xmlns="urn:xmpp:ping"/></iq>`, 'remote-server-not-found')
  await romeo.sends`<message to="${juliet.bare}" type="chat"><body>Hi</body></message>`
  await juliet.receives`<message to="${juliet.bare}"><body>Hi</body></message>`
})

scenario('RFC 6120 § 10.1: what one sends to another arrives in order', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const bodies = Array.from({ length: 50 }, (_, index) => String(index))
  const stanzas = bodies.map(body => `<message to="${juliet}" type="chat"><body>${body}</body></message>`)
  await romeo.sendsRaw(stanzas.join(''))
  for (const body of bodies) await juliet.receives`<message><body>${body}</body></message>`
})
