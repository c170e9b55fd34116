import { expect } from '@jest/globals'
import { any, exactly, like, p, refused, scenario } from '@parley/testkit'
import { fails, networks, puppets } from './gateway-puppet.ts'

const ROSTER = 'jabber:iq:roster'
const juliet = { id: 'juliet', name: 'Juliet', groups: ['Verona'], subscription: 'both' } as const
const nurse = { id: 'nurse', subscription: 'to' } as const

scenario('XEP-0100 § 7: contacts of a network are in the roster without a question, and once', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)

  await engine.happens(key, { type: 'roster', contacts: [juliet, nurse] })
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" name="Juliet" subscription="both"><group>Verona</group></item></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="nurse@puppets.a.test" subscription="to"/></query></iq>`,
  )
  // The next login says the same: nothing is told.
  await engine.happens(key, { type: 'roster', contacts: [juliet, nurse] })
  await romeo.receivesNothing()
  await engine.happens(key, { type: 'roster', contacts: [{ ...juliet, name: 'Giulietta' }] })
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" name="Giulietta"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="nurse@puppets.a.test" subscription="remove"/></query></iq>`,
  )
  await romeo.receivesNothing()
})

scenario('XEP-0100 § 7: what the user has made of a contact stays, and reaches the network', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts: [juliet] })
  await romeo.settles()

  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" name="Love"><group>Heart</group></item></query></iq>`
  await romeo.settles()
  expect(engine.took('renameContact', 'regroupContact')).toEqual([
    ['renameContact', 'juliet', 'Love', {}],
    ['regroupContact', 'juliet', ['Heart'], {}],
  ])
  // The network could not do it and says what it said before.
  await engine.happens(key, { type: 'roster', contacts: [juliet] })
  await romeo.receivesNothing()
  expect(engine.took('renameContact')).toEqual([['renameContact', 'juliet', 'Love', {}]])
})

scenario('XEP-0100 § 4.7: only who is removed here is removed there, also when the network is away', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts: [juliet, nurse] })
  await romeo.settles()

  // Presence is not shared any more; the contact stays.
  await romeo.sends`<presence type="unsubscribed" to="juliet@puppets.a.test"/>`
  await romeo.settles()
  expect(engine.took('removeContact', 'block')).toEqual([])
  await engine.happens(key, { type: 'roster', contacts: [juliet, nurse] })
  await romeo.receivesNothing()

  engine.answers = name => (name === 'removeContact' ? fails('transient', 'Away') : undefined)
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" subscription="remove"/></query></iq>`
  await romeo.settles()
  expect(engine.took('removeContact')).toEqual([['removeContact', 'juliet', {}]])

  // It is tried again, and the contact does not come back.
  engine.answers = () => undefined
  await engine.happens(key, { type: 'roster', contacts: [juliet, nurse] })
  await romeo.receivesNothing()
  expect(engine.took('removeContact')).toEqual([['removeContact', 'juliet', {}]])
  await engine.happens(key, { type: 'contact-gone', id: 'juliet' })
  await romeo.receivesNothing()
})

scenario('XEP-0100 § 4.6: a contact is asked for over there, and their answer comes here', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)

  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" name="Juliet"/></query></iq>`
  await romeo.sends`<presence type="subscribe" to="juliet@puppets.a.test"><status>It is me</status></presence>`
  await romeo.settles()
  expect(engine.took('addContact')).toEqual([
    ['addContact', 'juliet', { name: 'Juliet', groups: [], text: 'It is me' }, {}],
  ])
  await engine.happens(key, { type: 'contact', contact: { id: 'juliet', subscription: 'none', asked: true } })
  await romeo.receivesNothing()
  await engine.happens(
    key,
    { type: 'contact', contact: { id: 'juliet', subscription: 'to' } },
    { type: 'presence', id: 'juliet', presence: { show: 'dnd', text: 'Busy' } },
  )
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" name="Juliet" subscription="to"/></query></iq>`
  await romeo.receives`<presence from="juliet@puppets.a.test"><show>dnd</show><status>Busy</status></presence>`
})

scenario('XEP-0100 § 4.6.2: who cannot be added is taken out of what is asked for, with a reason', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo)
  engine.answers = name => (name === 'addContact' ? fails('not-found', 'Nobody is called that') : undefined)

  await romeo.sends`<presence type="subscribe" to="nobody@puppets.a.test"/>`
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="nobody@puppets.a.test" ask="subscribe"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="nobody@puppets.a.test" subscription="none"/></query></iq>`,
    p`<presence type="unsubscribed" from="nobody@puppets.a.test"/>`,
    p`<message from="puppets.a.test"><body>nobody could not be added: Nobody is called that</body></message>`,
  )
})

scenario(
  'XEP-0100 § 5.1: who asks over there is asked here, with their name (XEP-0172), and hears the answer',
  async stage => {
    const { server, engine, registers } = await puppets(stage, { verification: 'everyone' })
    const [romeo] = await server.join('romeo/orchard')
    const key = await registers(romeo)

    await engine.happens(key, { type: 'request', id: 'tybalt', name: 'Tybalt', text: 'Fight?' })
    await romeo.receives`<presence type="subscribe" from="tybalt@puppets.a.test"><status>Fight?</status><nick xmlns="http://jabber.org/protocol/nick">Tybalt</nick></presence>`
    await romeo.sends`<presence type="unsubscribed" to="tybalt@puppets.a.test"/>`
    await romeo.receivesNothing()
    expect(engine.took('answer')).toEqual([['answer', 'tybalt', false, {}]])

    await engine.happens(key, { type: 'request', id: 'mercutio' })
    await romeo.receives`<presence type="subscribe" from="mercutio@puppets.a.test"/>`
    await romeo.sends`<presence type="subscribed" to="mercutio@puppets.a.test"/>`
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="mercutio@puppets.a.test" subscription="from"/></query></iq>`
    await romeo.fence()
    expect(engine.took('answer')).toEqual([['answer', 'mercutio', true, {}]])
  },
)

scenario('XEP-0172 § 4.1: a name that is known there comes with the request', async stage => {
  const { server, engine, registers } = await puppets(stage, { verification: 'everyone' })
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'request', id: 'rosaline', name: 'Rosaline' })
  await romeo.receives`<presence type="subscribe"><nick xmlns="http://jabber.org/protocol/nick">Rosaline</nick></presence>`
})

scenario('XEP-0100 § 4.4: sessions begin with the first client and end behind the last one', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(
    key,
    { type: 'roster', contacts: [juliet] },
    { type: 'presence', id: 'juliet', presence: { show: 'available' } },
  )
  await romeo.settles()
  await romeo.leaves()
  await stage.after('3s')
  await stage.after('59s')
  expect(engine.status(key).state).toBe('online')
  await stage.after('2s')
  expect(engine.status(key).state).toBe('idle')

  const [phone] = await server.connect('romeo/phone')
  await phone.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
  await phone.sends`<presence/>`
  await phone.fence()
  expect(engine.status(key).state).toBe('online')
  expect(engine.took('setPresence').at(-1)).toEqual(['setPresence', { show: 'available' }, {}])
  await phone.settles()
})

scenario('XEP-0100 § 4.4.1: a network sees the client that can be reached best, some seconds later', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo, phone] = await server.join('romeo/orchard', 'romeo/phone')
  await registers(romeo)
  engine.took('setPresence')

  await phone.sends`<presence><show>dnd</show><priority>5</priority><status>Busy</status></presence>`
  await phone.fence()
  await phone.sends`<presence><show>xa</show><priority>5</priority></presence>`
  await phone.fence()
  expect(engine.took('setPresence')).toEqual([])
  await stage.after('3s')
  await romeo.fence()
  expect(engine.took('setPresence')).toEqual([['setPresence', { show: 'xa' }, {}]])

  // Who wants nothing is not looked at.
  await phone.sends`<presence><show>chat</show><priority>-1</priority></presence>`
  await phone.fence()
  await stage.after('3s')
  await romeo.fence()
  expect(engine.took('setPresence')).toEqual([['setPresence', { show: 'available' }, {}]])
  await romeo.settles()
  await phone.settles()
})

scenario(
  'RFC 6121 § 4.3.2: a client that comes later sees contacts of a network, and loses them with the session',
  async stage => {
    const { server, engine, registers } = await puppets(stage)
    const [romeo] = await server.join('romeo/orchard')
    const key = await registers(romeo)
    await engine.happens(
      key,
      { type: 'roster', contacts: [juliet, nurse] },
      { type: 'presence', id: 'juliet', presence: { show: 'away', text: 'On the balcony', idleSince: 0 } },
      { type: 'presence', id: 'nurse', presence: { show: 'unavailable' } },
      // Not on the list: nothing of the user's.
      { type: 'presence', id: 'tybalt', presence: { show: 'available' } },
    )
    await romeo.settles()

    const [phone] = await server.connect('romeo/phone')
    await phone.sends`<presence/>`
    await phone.receivesUnordered(
      p`<presence from="romeo@a.test/phone"/>`,
      p`<presence from="romeo@a.test/orchard"/>`,
      p`<presence from="puppets.a.test"/>`,
      p`<presence from="juliet@puppets.a.test" to="${phone}"><show>away</show><status>On the balcony</status><idle xmlns="urn:xmpp:idle:1" since="${any}"/></presence>`,
      p`<presence type="unavailable" from="nurse@puppets.a.test"/>`,
    )
    await romeo.settles()

    engine.set(key, 'waiting', 'The connection is lost')
    for (const client of [romeo, phone])
      await client.receivesUnordered(
        p`<presence from="puppets.a.test"><show>xa</show><status>The connection is lost</status></presence>`,
        p`<presence type="unavailable" from="juliet@puppets.a.test"/>`,
      )
    await phone.receivesNothing()
  },
)

scenario(
  'XEP-0106 § 4.2: addresses that a local part cannot have are escaped, and only one spelling is an address',
  async stage => {
    const { server, engine, registers } = await puppets(stage)
    const [romeo] = await server.join('romeo/orchard')
    const key = await registers(romeo)
    await engine.happens(key, { type: 'roster', contacts: [{ id: "d'artagnan@x/y", subscription: 'both' }] })
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${like(/^d\\27artagnan\\40x\\2fy@/)}"/></query></iq>`
    await romeo.sends`<message type="chat" id="1" to="d\\5c27artagnan@puppets.a.test"><body>Who?</body></message>`
    await romeo.sends`<message type="chat" id="2" to="d\\27artagnan\\40x\\2fy@puppets.a.test"><body>You</body></message>`
    await romeo.sends`<message type="chat" id="3" to="=64@puppets.a.test"><body>Me</body></message>`
    await romeo.receives`<message type="error" id="3"><error><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">There is no such address in this network</text></error></message>`
    const to = engine.took('send').map(([, sent]) => (sent as { to: unknown }).to)
    expect(to).toEqual([{ peer: 'd\\27artagnan' }, { peer: "d'artagnan@x/y" }])
  },
)

scenario('XEP-0153 § 3.2: presence names the picture of a contact, and XEP-0054 and XEP-0084 have it', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  const hash = 'a'.repeat(40)
  engine.pictures.set(hash, { bytes: Buffer.from('picture'), type: 'image/png' })
  engine.pictures.set('b'.repeat(40), { bytes: Buffer.from('<svg/>'), type: 'image/svg+xml' })
  await engine.happens(
    key,
    { type: 'roster', contacts: [juliet, nurse] },
    { type: 'avatar', id: 'juliet', media: hash },
    { type: 'avatar', id: 'nurse', media: 'b'.repeat(40) },
    { type: 'presence', id: 'juliet', presence: { show: 'available' } },
  )
  await romeo.settles()
  await engine.happens(key, { type: 'avatar', id: 'juliet', media: hash })
  await romeo.receives`<presence from="juliet@puppets.a.test"><x xmlns="vcard-temp:x:update"><photo>${hash}</photo></x></presence>`

  engine.answers = name =>
    name === 'profile'
      ? { id: 'juliet', name: 'Juliet Capulet', url: 'javascript:alert(1)', mail: 'j@x.test' }
      : undefined
  const card = await romeo.asks`<iq type="get" to="juliet@puppets.a.test"><vCard xmlns="vcard-temp"/></iq>`
  expect(card.textOf('FN')).toBe('Juliet Capulet')
  expect(card.child('URL')).toBeUndefined()
  expect(card.child('PHOTO')!.textOf('BINVAL')).toBe(Buffer.from('picture').toString('base64'))

  const items = (node: string, who = 'juliet') =>
    romeo.asks`<iq type="get" to="${who}@puppets.a.test"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="${node}"/></pubsub></iq>`
  const metadata = await items('urn:xmpp:avatar:metadata')
  expect(String(metadata)).toContain(`id="${hash}"`)
  expect(String(await items('urn:xmpp:avatar:data'))).toContain(Buffer.from('picture').toString('base64'))
  await refused(items('urn:xmpp:avatar:data', 'nurse'), 'item-not-found', 'They have no such node')
  await refused(
    romeo.asks`<iq type="get" to="=64@puppets.a.test"><vCard xmlns="vcard-temp"/></iq>`,
    'item-not-found',
    'Nobody there has that address',
  )
})

scenario('XEP-0055 § 2: people there can be searched for, where the network can', async stage => {
  const { server, engine, registers, types } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo)
  engine.answers = name => (name === 'search' ? [{ id: 'juliet', givenName: 'Juliet', nick: 'Jule' }] : undefined)
  const SEARCH = 'jabber:iq:search'

  const fields = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${SEARCH}"/></iq>`
  expect(fields.child('nick')).toBeDefined()
  const found =
    await romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${SEARCH}"><nick>jul</nick></query></iq>`
  expect(found.elements().map(item => [item.attrs['jid'], item.textOf('first'), item.textOf('nick')])).toEqual([
    ['juliet@puppets.a.test', 'Juliet', 'Jule'],
  ])
  await refused(
    romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${SEARCH}"><nick/></query></iq>`,
    'not-acceptable',
    'Say what is to be searched for',
  )
  await types('provider add', { id: 'plain', adapter: 'plain' })
  await types('provider enable', { id: 'plain' })
  await refused(
    romeo.asks`<iq type="get" to="plain.a.test"><query xmlns="${SEARCH}"/></iq>`,
    'feature-not-implemented',
    'Nobody can be searched for there',
  )
})

scenario('XEP-0030 § 3.1: a contact says what can be done with them', async stage => {
  const { server, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo)
  const INFO = 'http://jabber.org/protocol/disco#info'

  const info = await romeo.asks`<iq type="get" to="juliet@puppets.a.test"><query xmlns="${INFO}"/></iq>`
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  expect(features).toEqual(expect.arrayContaining(['urn:xmpp:receipts', 'urn:xmpp:attention:0', 'vcard-temp']))
  await refused(
    romeo.asks`<iq type="get" to="juliet@puppets.a.test"><query xmlns="${INFO}" node="x"/></iq>`,
    'item-not-found',
    'Nobody there has nodes',
  )
  await refused(
    romeo.asks`<iq type="get" to="=64@puppets.a.test"><query xmlns="${INFO}"/></iq>`,
    'item-not-found',
    'This network has no such address',
  )
})

scenario('XEP-0100 § 4.6: where nobody is asked, contacts are there at once', async stage => {
  const { server, engine, types, registers } = await networks(stage)
  await types('provider add', { id: 'plain', adapter: 'plain' })
  await types('provider enable', { id: 'plain' })
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo, 'plain')
  await romeo.sends`<presence type="subscribe" to="juliet@plain.a.test"/>`
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@plain.a.test" ask="subscribe"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@plain.a.test" subscription="to"/></query></iq>`,
    exactly`<presence type="subscribed" from="juliet@plain.a.test" to="romeo@a.test"/>`,
  )
  expect(engine.took('addContact')).toHaveLength(1)
})

scenario('XEP-0191 § 3.3: who is blocked here is blocked there', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts: [juliet] })
  await romeo.settles()
  await romeo.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="juliet@puppets.a.test"/></block></iq>`
  await engine.happens(key, { type: 'message', peer: 'juliet', origin: 'remote', text: 'Why?', id: 'n1' })
  await romeo.receivesNothing()
  await romeo.asks`<iq type="set"><unblock xmlns="urn:xmpp:blocking"><item jid="juliet@puppets.a.test"/></unblock></iq>`
  await romeo.settles()
  expect(engine.took('block')).toEqual([
    ['block', 'juliet', true, {}],
    ['block', 'juliet', false, {}],
  ])
})
