import { expect } from '@jest/globals'
import { authenticate, capture, PASSWORD, plain, scenario } from '@parley/testkit'

const CSI = 'urn:xmpp:csi:0'
const SM = 'urn:xmpp:sm:3'
const STATES = 'http://jabber.org/protocol/chatstates'

scenario('XEP-0352 § 4.1: offered after login', async ({ server }) => {
  const stage = await server('a.test')
  const client = stage.client()
  expect((await client.negotiate('a.test')).child('csi', CSI)).toBeUndefined()
  await stage.account('romeo')
  client.features = undefined
  await authenticate(client, 'PLAIN', plain('romeo', PASSWORD))
  await client.until(() => client.features !== undefined, 'features')
  expect(client.features!.child('csi', CSI)).toBeDefined()
})

scenario('XEP-0352 § 3.2: a client that nobody looks at gets what matters, and the rest before it', async stage => {
  const [romeo, juliet] = await (await stage.server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await stage.befriend(romeo, juliet)
  await romeo.sends`<inactive xmlns="${CSI}"/>`
  await romeo.fence()

  await juliet.sends`<presence><show>away</show></presence>`
  await juliet.sends`<presence><show>dnd</show></presence>`
  await juliet.sends`<message type="chat" to="${romeo}"><composing xmlns="${STATES}"/></message>`
  await juliet.receives`<presence from="${juliet}"><show>away</show></presence>`
  await juliet.receives`<presence from="${juliet}"><show>dnd</show></presence>`
  await juliet.fence()
  expect(romeo.unexpected).toEqual([])

  await juliet.sends`<message type="chat" to="${romeo}"><body>Art thou there?</body></message>`
  await romeo.receives`<presence from="${juliet}"><show>dnd</show></presence>`
  await romeo.receives`<message from="${juliet}"><composing xmlns="${STATES}"/></message>`
  await romeo.receives`<message from="${juliet}"><body>Art thou there?</body></message>`
})

scenario('XEP-0352 § 5.1: what waited comes before the answer to what follows', async stage => {
  const [romeo, juliet] = await (await stage.server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<inactive xmlns="${CSI}"/>`
  await romeo.fence()
  await juliet.sends`<message type="chat" to="${romeo}"><composing xmlns="${STATES}"/></message>`
  await juliet.fence()

  await romeo.sendsRaw(`<active xmlns="${CSI}"/><iq type="get" id="p" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`)
  await romeo.receives`<message from="${juliet}"/>`
  await romeo.receives`<iq type="result" id="p"/>`
})

scenario('XEP-0352 § 5.2: a resumed stream is active', async stage => {
  const server = await stage.server('a.test')
  const [romeo, juliet] = await server.join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<enable xmlns="${SM}" resume="true"/>`
  const { id } = await romeo.receives`<enabled xmlns="${SM}" id="${capture('id')}"/>`
  await romeo.sends`<inactive xmlns="${CSI}"/>`
  await juliet.sends`<message type="chat" to="${romeo}"><composing xmlns="${STATES}"/></message>`
  await juliet.fence()
  await romeo.losesConnection()

  const phone = server.client()
  await phone.negotiate('a.test')
  const inline = `<resume xmlns="${SM}" previd="${id}" h="0"/>`
  expect((await authenticate(phone, 'PLAIN', plain('romeo', PASSWORD), { inline })).child('resumed', SM)).toBeDefined()
  expect((await phone.next('what waited')).child('composing', STATES)).toBeDefined()
  await juliet.sends`<message type="chat" to="${romeo}"><composing xmlns="${STATES}"/></message>`
  expect((await phone.next('what comes now')).name).toBe('message')
})

scenario('XEP-0386 § 3.2: a session begins in the state that was asked for', async stage => {
  const server = await stage.server('a.test')
  const [juliet] = await server.join('juliet/balcony')
  await server.account('romeo')
  const phone = server.client()
  await phone.negotiate('a.test')
  const inline = `<bind xmlns="urn:xmpp:bind:0"><inactive xmlns="${CSI}"/></bind>`
  const success = await authenticate(phone, 'PLAIN', plain('romeo', PASSWORD), { inline })
  const romeo = success.textOf('authorization-identifier')!
  await juliet.sends`<message type="chat" to="${romeo}"><composing xmlns="${STATES}"/></message>`
  await juliet.fence()
  const pong = await phone.request('get', '<ping xmlns="urn:xmpp:ping"/>', 'a.test')
  expect(pong.attrs['type']).toBe('result')
  // The answer is urgent, so what waited came before it.
  expect(phone.inbox.map(({ name }) => name)).toEqual(['message'])
})

scenario('XEP-0352 § 4.2: only a session has a state', async stage => {
  const server = await stage.server('a.test')
  const client = server.client()
  await client.negotiate('a.test')
  client.write(`<inactive xmlns="${CSI}"/>`)
  expect((await client.next('a stream error')).firstElement()?.name).toBe('not-authorized')

  const [romeo] = await server.connect('romeo/orchard')
  await romeo.sends`<drowsy xmlns="${CSI}"/>`
  await romeo.receives`<error xmlns="http://etherx.jabber.org/streams"><unsupported-stanza-type xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`
})
