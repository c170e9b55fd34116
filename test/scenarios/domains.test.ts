import { expect } from '@jest/globals'
import { type Actor, PASSWORD, RawClient, refused, type Stage, type StagedServer, scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const TWO = { 'a.test': null, 'b.test': null }

/** Two domains on one server, each with its people. */
async function neighbours(
  server: Stage['server'],
  config: Record<string, unknown> = {},
): Promise<[StagedServer, StagedServer]> {
  const here = await server('a.test', { config: { domains: TWO, ...config } })
  return [here, here.at('b.test')]
}

async function settle(...actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) await actor.settles()
}

scenario('several domains: accounts of one name are separate people', async ({ server }) => {
  const [here, there] = await neighbours(server)
  const [romeo] = await here.join('romeo/orchard')
  const [other] = await there.join('romeo/orchard')
  const [mercutio] = await here.join('mercutio/street')
  await settle(romeo, other, mercutio)
  await mercutio.sends`<message type="chat" to="romeo@a.test" id="1"><body>a</body></message>`
  await mercutio.sends`<message type="chat" to="romeo@b.test" id="2"><body>b</body></message>`
  await romeo.receives`<message id="1" to="romeo@a.test"/>`
  await other.receives`<message id="2" to="romeo@b.test"/>`
  expect((await read(romeo)).words).toBe('a')
  expect((await read(other)).words).toBe('b')

  await romeo.asks`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="mercutio@a.test"/></query></iq>`
  await romeo.receives`<iq type="set"><query xmlns="jabber:iq:roster"/></iq>`
  const roster = await other.asks`<iq type="get"><query xmlns="jabber:iq:roster"/></iq>`
  expect(roster.elements()).toEqual([])
})

scenario('several domains: a password of one opens nothing on another', async ({ server }) => {
  const [here, there] = await neighbours(server)
  await here.account('romeo')
  await here.account('juliet')
  await there.host.accounts.create(there.address('juliet'), 'other')
  for (const user of ['romeo', 'juliet']) {
    const client = new RawClient(here.core)
    await expect(client.login('b.test', user, PASSWORD, 'r')).rejects.toThrow('not-authorized')
  }
  // An authorization identity of another domain, with the password of the own one.
  const client = new RawClient(here.core)
  await client.negotiate('a.test')
  const plain = Buffer.from(`romeo@b.test\0romeo\0${PASSWORD}`).toString('base64')
  client.write(`<auth xmlns="${SASL}" mechanism="PLAIN">${plain}</auth>`)
  expect((await client.next('an answer')).child('invalid-authzid', SASL)).toBeDefined()
})

scenario('several domains: who has logged in stays on that domain', async ({ server }) => {
  const [here] = await neighbours(server)
  await here.account('romeo')
  const client = new RawClient(here.core)
  await client.negotiate('a.test')
  const plain = Buffer.from(`\0romeo\0${PASSWORD}`).toString('base64')
  client.write(`<auth xmlns="${SASL}" mechanism="PLAIN">${plain}</auth>`)
  expect((await client.next('an answer')).name).toBe('success')
  client.open('b.test')
  const error = await client.next('an error')
  expect([error.name, error.elements()[0]?.name]).toEqual(['error', 'host-unknown'])
})

scenario('several domains: messages between them, to people here and away, in both archives', async ({ server }) => {
  const [here, there] = await neighbours(server)
  const [romeo] = await here.join('romeo/orchard')
  const [juliet] = await there.join('juliet/balcony')
  await settle(romeo, juliet)
  await romeo.sends`<message type="chat" to="juliet@b.test" id="1"><body>one</body></message>`
  await juliet.receives`<message id="1" from="${romeo}"/>`
  await juliet.leaves()
  await romeo.sends`<message type="chat" to="juliet@b.test" id="2"><body>two</body></message>`
  await romeo.fence()
  const [phone] = await there.connect('juliet/phone')
  await phone.sends`<presence/>`
  await phone.receives`<presence from="${phone}"/>`
  await phone.receives`<message id="2" from="${romeo}"><delay xmlns="urn:xmpp:delay" from="b.test"/></message>`
  for (const actor of [romeo, phone]) expect((await read(actor)).words).toBe('one two')
  await romeo.sends`<message type="chat" to="ghost@b.test" id="3"><body>x</body></message>`
  await romeo.receives`<message type="error" id="3" from="ghost@b.test"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
})

scenario('several domains: an archive that one of them has not', async ({ server }) => {
  const [here, there] = await neighbours(server, {
    domains: { 'a.test': { archive: 'on' }, 'b.test': { archive: 'off' } },
  })
  const [romeo] = await here.join('romeo/orchard')
  const [juliet] = await there.join('juliet/balcony')
  await settle(romeo, juliet)
  await romeo.sends`<message type="chat" to="juliet@b.test" id="1"><body>one</body></message>`
  await juliet.receives`<message id="1"/>`
  expect((await read(romeo)).words).toBe('one')
  expect((await read(juliet)).words).toBe('')
})

scenario('several domains: contacts, their presence, and its end', async ({ server, befriend }) => {
  const [here, there] = await neighbours(server)
  const [romeo] = await here.join('romeo/orchard')
  const [juliet] = await there.join('juliet/balcony')
  const [namesake] = await here.join('juliet/balcony')
  await settle(romeo, juliet, namesake)
  await befriend(romeo, juliet)
  await settle(romeo, juliet, namesake)
  await romeo.sends`<presence><show>away</show></presence>`
  await romeo.receives`<presence from="${romeo}"/>`
  await juliet.receives`<presence from="${romeo}"><show>away</show></presence>`
  await namesake.receivesNothing()
  await romeo.losesConnection()
  await juliet.receives`<presence type="unavailable" from="${romeo}"/>`
})

scenario('several domains: presence is not for those of the same name elsewhere', async ({ server, befriend }) => {
  const [here, there] = await neighbours(server)
  const [romeo, juliet] = await here.join('romeo/orchard', 'juliet/balcony')
  const [other] = await there.join('juliet/balcony')
  await befriend(romeo, juliet)
  await settle(romeo, juliet, other)
  await other.sends`<presence type="probe" to="romeo@a.test"/>`
  await other.receivesNothing()
})

scenario('several domains: each has its own rule for registration', async ({ server }) => {
  const domains = { 'a.test': { registration: 'open' }, 'b.test': { registration: 'closed' } }
  const [here] = await neighbours(server, { domains })
  const query = `<query xmlns="jabber:iq:register"><username>new</username><password>${PASSWORD}</password></query>`
  const answer = async (domain: string) => {
    const client = new RawClient(here.core)
    const features = await client.negotiate(domain)
    const offered = features.child('register', 'http://jabber.org/features/iq-register') !== undefined
    return [offered, (await client.request('set', query, domain)).attrs['type']]
  }
  expect(await answer('a.test')).toEqual([true, 'result'])
  expect(await answer('b.test')).toEqual([false, 'error'])
  expect(await new RawClient(here.core).login('a.test', 'new', PASSWORD, 'r')).toBe('new@a.test/r')
})

scenario('several domains: registration on one does not reach accounts of another', async ({ server }) => {
  const [here, there] = await neighbours(server)
  const [romeo] = await here.join('romeo/orchard')
  await there.account('romeo')
  const text = 'Only your own account'
  await refused(
    romeo.asks`<iq type="set" to="b.test"><query xmlns="jabber:iq:register"><remove/></query></iq>`,
    'forbidden',
    text,
  )
  await refused(
    romeo.asks`<iq type="set" to="b.test"><query xmlns="jabber:iq:register"><username>romeo</username><password>x</password></query></iq>`,
    'forbidden',
    text,
  )
  expect(await there.host.accounts.exists(there.address('romeo'))).toBe(true)
})

scenario('several domains: what is for the account itself is refused to its namesake', async ({ server }) => {
  const [here, there] = await neighbours(server)
  const [romeo] = await here.join('romeo/orchard')
  const [other] = await there.join('romeo/orchard')
  await settle(romeo, other)
  for (const payload of [
    '<query xmlns="jabber:iq:roster"/>',
    '<query xmlns="urn:xmpp:mam:2"/>',
    '<blocklist xmlns="urn:xmpp:blocking"/>',
    '<query xmlns="jabber:iq:private"><x xmlns="u:x"/></query>',
  ]) {
    const answer = await other.asksRaw(`<iq type="get" id="q" to="romeo@a.test">${payload}</iq>`)
    expect([payload, answer.attrs['type']]).toEqual([payload, 'error'])
  }
  await romeo.receivesNothing()
})

scenario('several domains: an admin of one commands nothing on another', async ({ server }) => {
  const domains = { 'a.test': { admins: ['romeo@a.test'] }, 'b.test': null }
  const [here] = await neighbours(server, { domains })
  const [romeo] = await here.join('romeo/orchard')
  const commands = async (to: string) => {
    const answer = await romeo.asksRaw(
      `<iq type="get" id="${to}" to="${to}"><query xmlns="http://jabber.org/protocol/disco#items" node="http://jabber.org/protocol/commands"/></iq>`,
    )
    return answer.firstElement()?.elements().length ?? 0
  }
  expect(await commands('a.test')).toBeGreaterThan(0)
  const answer = await romeo.asksRaw(
    `<iq type="set" id="c" to="b.test"><command xmlns="http://jabber.org/protocol/commands" node="user list"/></iq>`,
  )
  expect(answer.attrs['type']).toBe('error')
  expect(await commands('b.test')).toBe(0)
})
