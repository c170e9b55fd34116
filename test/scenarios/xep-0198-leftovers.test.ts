import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'

const SM = 'urn:xmpp:sm:3'

async function counted(actor: Actor, attributes = ''): Promise<void> {
  await actor.sendsRaw(`<enable xmlns="${SM}"${attributes}/>`)
  await actor.receives`<enabled xmlns="${SM}"/>`
}

scenario('XEP-0198 § 4: what a lost session had not taken goes to another one', async ({ server, after }) => {
  const stage = await server('a.test')
  const [romeo, phone, laptop] = await stage.join('romeo/orchard', 'juliet/phone', 'juliet/laptop')
  await laptop.settles()
  await phone.settles()
  await counted(phone, ' resume="true" max="60"')
  await phone.losesConnection()
  await romeo.sends`<message type="chat" to="${phone}" id="m"><body>Romeo is banished</body></message>`
  await laptop.receivesNothing()

  await after('62s')
  await laptop.client.until(() => laptop.client.inbox.length === 2, 'presence and message')
  const [message] = laptop.client.inbox.splice(0).filter(({ name }) => name === 'message')
  expect(message?.textOf('body')).toBe('Romeo is banished')
  expect(message?.child('delay', 'urn:xmpp:delay')).toBeDefined()
})

scenario('XEP-0198 § 4: what another session has got already does not come twice', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, laptop] = await stage.join('romeo/orchard', 'juliet/phone', 'juliet/laptop')
  for (const actor of [phone, laptop]) await actor.settles()
  await counted(phone)
  await romeo.sends`<message type="chat" to="juliet@a.test"><body>both</body></message>`
  await laptop.receives`<message><body>both</body></message>`
  await phone.receives`<message><body>both</body></message>`
  await phone.losesConnection()
  await laptop.receives`<presence type="unavailable" from="${phone}"/>`
  await laptop.receivesNothing()
})

scenario('XEP-0198 § 4: with no other session it waits for the next one', async ({ server }) => {
  for (const archive of [true, false]) {
    const stage = await server('a.test', { config: { archive } })
    const [romeo, phone] = await stage.join('romeo/orchard', 'juliet/phone')
    await counted(phone)
    await romeo.sends`<message type="chat" to="juliet@a.test"><body>wait</body></message>`
    await phone.receives`<message><body>wait</body></message>`
    await phone.losesConnection()
    await romeo.fence()
    const [laptop] = await stage.connect('juliet/laptop')
    await laptop.sends`<presence/>`
    await laptop.receives`<presence from="${laptop}"/>`
    await laptop.receives`<message><body>wait</body></message>`
    await stage.store.wipe()
  }
})

scenario('XEP-0198 § 4: requests that were not taken are answered', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone] = await stage.join('romeo/orchard', 'juliet/phone')
  await counted(phone)
  await romeo.sends`<iq type="get" id="v" to="${phone}"><query xmlns="jabber:iq:version"/></iq>`
  await phone.receives`<iq type="get" id="v"/>`
  await phone.losesConnection()
  await romeo.receives`<iq type="error" id="v" from="${phone}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`
})

scenario('XEP-0198 § 4: a message that may not wait goes back', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone] = await stage.join('romeo/orchard', 'juliet/phone')
  await counted(phone)
  await romeo.sends`<message type="chat" to="${phone}" id="m"><body>x</body><no-store xmlns="urn:xmpp:hints"/></message>`
  await phone.receives`<message id="m"/>`
  await phone.losesConnection()
  await romeo.receives`<message type="error" id="m" from="${phone}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
})

scenario('XEP-0198 § 4: copies and results of the archive die with their session', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, laptop] = await stage.join('romeo/orchard', 'romeo/phone', 'romeo/laptop')
  for (const actor of [romeo, phone, laptop]) await actor.settles()
  await counted(phone)
  await phone.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
  await romeo.sends`<message type="chat" to="ghost@a.test" id="m"><body>x</body></message>`
  await romeo.receives`<message type="error" id="m"/>`
  await phone.asks`<iq type="set"><query xmlns="urn:xmpp:mam:2"/></iq>`
  await phone.settles()
  await phone.losesConnection()
  for (const actor of [romeo, laptop]) await actor.receives`<presence type="unavailable" from="${phone}"/>`
  for (const actor of [romeo, laptop]) await actor.receivesNothing()
})

scenario('XEP-0198 § 4: the count is stored together with both sides of the message', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await counted(romeo)
  const [session] = [...stage.core.sessions.values()]
  for (const body of ['one', 'two'])
    await romeo.sends`<message type="chat" to="juliet@a.test"><body>${body}</body></message>`
  await romeo.fence()
  expect(await stage.store.messages.smHandled(session!.sid)).toBe(2)
})
