import { capture, p, scenario } from '@parley/testkit'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const STREAMS = 'http://etherx.jabber.org/streams'

scenario('threat 10: elements of a stream inside a message are refused and reach nobody', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')

  for (const name of ['stream', 'error', 'features']) {
    await romeo.sends`<message to="${juliet}" type="chat"><body>hi</body><x xmlns="urn:x"><${name} xmlns="${STREAMS}"/></x></message>`
    await romeo.receives`<message type="error"><error><bad-request xmlns="${STANZAS}"/><text xmlns="${STANZAS}">Elements of a stream do not belong into a stanza</text></error></message>`
  }
  await juliet.receivesNothing()
})

scenario('threat 57: a carbon from a stranger never reaches a client as one', async ({ server }) => {
  const [romeo, mallory] = await (await server('a.test')).join('romeo/orchard', 'mallory/den')
  const forged = `<message xmlns="jabber:client" from="juliet@a.test" to="romeo@a.test" type="chat"><body>Flee!</body></message>`

  for (const name of ['received', 'sent']) {
    await mallory.sendsRaw(
      `<message to="romeo@a.test/orchard" type="chat"><body>look</body><${name} xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0">${forged}</forwarded></${name}></message>`,
    )
    const message = await romeo.client.next('the message')
    if (message.child(name, 'urn:xmpp:carbons:2')) throw new Error(`A forged carbon came through: ${message}`)
  }
})

scenario('threat 58: an archive result from a stranger never reaches a client as one', async ({ server }) => {
  const [romeo, mallory] = await (await server('a.test')).join('romeo/orchard', 'mallory/den')

  await mallory.sends`<message to="${romeo}" type="chat"><body>look</body><result xmlns="urn:xmpp:mam:2" id="1"><forwarded xmlns="urn:xmpp:forward:0"><message from="juliet@a.test" type="chat"><body>Flee!</body></message></forwarded></result></message>`
  const message = await romeo.client.next('the message')
  if (message.child('result', 'urn:xmpp:mam:2')) throw new Error(`A forged result came through: ${message}`)
})

scenario('threat 60: every copy of a forged stanza id is taken out, in any order', async ({ server }) => {
  const [romeo, mallory] = await (await server('a.test')).join('romeo/orchard', 'mallory/den')
  const forged = `<stanza-id xmlns="urn:xmpp:sid:0" by="romeo@a.test" id="forged"/>`

  await mallory.sendsRaw(
    `<message to="${romeo}" type="chat">${forged}<body>1</body>${forged}<x xmlns="urn:x"/>${forged}</message>`,
  )
  const message = await romeo.client.next('the message')
  const ids = message.childrenNamed('stanza-id', 'urn:xmpp:sid:0')
  if (ids.length !== 1 || ids[0]?.attrs['id'] === 'forged') throw new Error(`Forged ids came through: ${message}`)
})

scenario('threat 61: the time of a message is the server’s, whatever its sender says of delay', async ({ server }) => {
  const [romeo, mallory] = await (await server('a.test')).join('romeo/orchard', 'mallory/den')

  await mallory.sends`<message to="${romeo}" type="chat"><body>old</body><delay xmlns="urn:xmpp:delay" from="a.test" stamp="2001-01-01T00:00:00Z"/></message>`
  const message = await romeo.client.next('the message')
  if (message.child('delay', 'urn:xmpp:delay')) throw new Error(`A forged delay came through: ${message}`)
  const before = romeo.client.expect(({ name, attrs }) => name === 'iq' && attrs['id'] === 'page')
  await romeo.sends`<iq type="set" id="page"><query xmlns="urn:xmpp:mam:2"/></iq>`
  await romeo.receives`<message><result xmlns="urn:xmpp:mam:2"><forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T12:00:00.000Z"/><message xmlns="jabber:client" from="${mallory}"><body>old</body></message></forwarded></result></message>`
  await before
})

scenario('threat 76: capabilities that do not have the hash they claim are not believed', async ({ server }) => {
  const stage = await server('a.test')
  const [mallory] = await stage.connect('mallory/den')

  await mallory.sends`<presence><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:evil" ver="QgayPKawpkPSDYmwT/WM94uAlu0="/></presence>`
  const { id } = await mallory.receivesUnordered(
    p`<presence from="${mallory}"/>`,
    p`<iq type="get" from="a.test" id="${capture('id')}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
  )
  await mallory.sends`<iq type="result" to="a.test" id="${id ?? ''}"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="urn:evil:feature"/></query></iq>`
  await mallory.fence()
  if ((await stage.store.maps.map('caps.verified').keys('a.test')).length > 0)
    throw new Error('The forged capabilities are kept')
})
