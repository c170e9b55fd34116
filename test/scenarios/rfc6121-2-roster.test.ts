import { expect } from '@jest/globals'
import { any, capture, exactly, p, refused, scenario } from '@parley/testkit'

const ROSTER = 'jabber:iq:roster'

scenario('RFC 6121 § 2.1: a roster set has one item, with a jid', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')

  await refused(romeo.asks`<iq type="set"><query xmlns="${ROSTER}"/></iq>`, 'bad-request', 'A roster set has one item')
  await refused(
    romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="x@a.test"/><item jid="y@a.test"/></query></iq>`,
    'bad-request',
    'A roster set has one item',
  )
  await refused(romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item/></query></iq>`, 'jid-malformed')
  await refused(romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="@a.test"/></query></iq>`, 'jid-malformed')
})

scenario('RFC 6121 § 2.1.5: nobody is a contact of their own', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')

  await refused(
    romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}"/></query></iq>`,
    'not-allowed',
    'You cannot be your own contact',
  )
  await refused(
    romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo}"/></query></iq>`,
    'not-allowed',
    'You cannot be your own contact',
  )
})

scenario('RFC 6121 § 2.1.6: only resources that have asked for the roster get pushes', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  const [phone] = await stage.connect('romeo/phone')

  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@a.test"/></query></iq>`
  await romeo.receives`<iq type="set" id="${any}" from="${romeo.bare}" to="${romeo}"><query xmlns="${ROSTER}" ver="${any}"><item jid="juliet@a.test" subscription="none"/></query></iq>`
  await phone.receivesNothing()

  await phone.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
  await phone.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="nurse@a.test"/></query></iq>`
  await phone.receives`<iq type="set" to="${phone}"><query xmlns="${ROSTER}"><item jid="nurse@a.test"/></query></iq>`
  await romeo.receives`<iq type="set" to="${romeo}"><query xmlns="${ROSTER}"><item jid="nurse@a.test"/></query></iq>`
})

scenario('RFC 6121 § 2.2: a client gets its own roster, and nobody else does', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  const empty = await juliet.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
  expect(empty.elements()).toEqual([])
  await befriend(romeo, juliet)
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" name="Juliet"><group>Capulets</group></item></query></iq>`
  await romeo.settles()

  const query = await romeo.asks`<iq type="get" to="${romeo.bare}"><query xmlns="${ROSTER}"/></iq>`
  expect(String(query)).toBe(
    `<query xmlns="${ROSTER}"><item jid="juliet@a.test" name="Juliet" subscription="both"><group>Capulets</group></item></query>`,
  )
  await refused(juliet.asks`<iq type="get" to="${romeo.bare}"><query xmlns="${ROSTER}"/></iq>`, 'service-unavailable')
})

scenario('RFC 6121 § 2.3.3: nobody changes the roster of somebody else', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
  // "The server MUST return a <forbidden/> stanza error to the client if the sender of the roster set is not authorized
  // to update the roster".
  for (const subscription of ['none', 'remove']) {
    await refused(
      juliet.asks`<iq type="set" to="${romeo.bare}"><query xmlns="${ROSTER}"><item jid="tybalt@a.test" subscription="${subscription}"/></query></iq>`,
      'forbidden',
      'This roster is not yours',
    )
  }
  await romeo.receivesNothing()
  const query = await romeo.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
  expect(query.elements()).toEqual([])
})

scenario(
  'RFC 6121 § 2.3: a contact is added with name and groups; what a client says of subscriptions counts nothing',
  async ({ server }) => {
    const [romeo] = await (await server('a.test')).join('romeo/orchard')

    await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@a.test" name="Jül &amp; &lt;et&gt;" subscription="both" ask="subscribe" approved="true"><group>Friends</group><group>Capulets</group></item></query></iq>`
    await romeo.receivesUnordered(
      exactly`<iq type="set" id="${any}" from="${romeo.bare}" to="${romeo}"><query xmlns="${ROSTER}" ver="${any}"><item jid="juliet@a.test" name="Jül &amp; &lt;et&gt;" subscription="none"><group>Friends</group><group>Capulets</group></item></query></iq>`,
    )
  },
)

scenario('RFC 6121 § 2.3.3: what is not a proper item is refused', async ({ server }) => {
  const config = { limits: { stanzas: 0, stanzaBytes: 1_000_000 } }
  const [romeo] = await (await server('a.test', { config })).join('romeo/orchard')
  const asks = (attributes: string, groups = '') =>
    romeo
      .asksRaw(
        `<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@a.test"${attributes}>${groups}</item></query></iq>`,
      )
      .then(answer =>
        answer
          .child('error')
          ?.elements()
          .map(child => (child.name === 'text' ? child.text() : child.name)),
      )

  expect(await asks('', '<group>A</group><group>A</group>')).toEqual(['bad-request', 'A group is named twice'])
  expect(await asks('', '<group/>')).toEqual(['not-acceptable', 'A group without a name'])
  expect(await asks(` name="${'n'.repeat(65_536)}"`)).toEqual(['not-acceptable', 'The name is too long'])
  expect(await asks('', `<group>${'g'.repeat(1024)}</group>`)).toEqual([
    'not-acceptable',
    'The name of a group is too long',
  ])
  const many = Array.from({ length: 5000 }, (_, i) => `<group>${i}</group>`).join('')
  expect(await asks('', many)).toEqual(['not-acceptable', 'Too many groups'])
  const { length } = (await romeo.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`).elements()
  expect(length).toBe(0)
})

scenario('RFC 6121 § 2.3.3: the roster has a limit, and what is there can still be changed', async ({ server }) => {
  const config = { limits: { stanzas: 0, roster: 2 } }
  const [romeo] = await (await server('a.test', { config })).join('romeo/orchard')
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="one@a.test"/></query></iq>`
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="two@a.test"/></query></iq>`
  await romeo.settles()

  await refused(
    romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="three@a.test"/></query></iq>`,
    'not-acceptable',
    'The roster is full',
  )
  await romeo.sends`<presence type="subscribe" to="three@a.test" id="s3"/>`
  await romeo.receives`<presence type="error" from="three@a.test" id="s3"><error><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">The roster is full</text></error></presence>`
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="two@a.test" name="Two"/></query></iq>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="two@a.test" name="Two"/></query></iq>`
})

scenario(
  'RFC 6121 § 2.4: an update replaces name and groups and keeps the subscription',
  async ({ server, befriend }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" name="J"><group>A</group></item></query></iq>`
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item name="J"/></query></iq>`

    await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}"><group>B</group></item></query></iq>`
    await romeo.receivesUnordered(
      exactly`<iq type="set" id="${any}" from="${romeo.bare}" to="${romeo}"><query xmlns="${ROSTER}" ver="${any}"><item jid="${juliet.bare}" subscription="both"><group>B</group></item></query></iq>`,
    )
    await juliet.receivesNothing()
  },
)

scenario(
  'RFC 6121 § 2.5: a contact that is deleted hears that both directions have ended',
  async ({ server, befriend }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)

    await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="remove"/></query></iq>`
    await romeo.receivesUnordered(
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="remove"/></query></iq>`,
      p`<presence type="unavailable" from="${juliet}"/>`,
    )
    await juliet.receivesUnordered(
      p`<presence type="unsubscribe" from="${romeo.bare}" to="${juliet.bare}"/>`,
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="to"/></query></iq>`,
      p`<presence type="unsubscribed" from="${romeo.bare}" to="${juliet.bare}"/>`,
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="none"/></query></iq>`,
      p`<presence type="unavailable" from="${romeo}"/>`,
    )
  },
)

scenario('RFC 6121 § 2.5.3: who is not a contact cannot be deleted', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')

  await refused(
    romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@a.test" subscription="remove"/></query></iq>`,
    'item-not-found',
    'No such contact',
  )
})

scenario(
  'RFC 6121 § 2.5.2: two who delete each other at once do not wait for each other',
  async ({ server, befriend }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)

    await Promise.all([
      romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="remove"/></query></iq>`,
      juliet.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="remove"/></query></iq>`,
    ])
    await romeo.settles()
    await juliet.settles()
    for (const actor of [romeo, juliet]) {
      expect((await actor.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`).elements()).toEqual([])
    }
  },
)

scenario('RFC 6121 § 2.6: only what has changed comes, as pushes behind an empty result', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  for (const name of ['one', 'two', 'three'])
    await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${name}@a.test"/></query></iq>`
  const full = await romeo.asks`<iq type="get"><query xmlns="${ROSTER}" ver=""/></iq>`
  const known = full.attrs['ver']!
  expect(full.elements().length).toBe(3)
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="two@a.test" subscription="remove"/></query></iq>`
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="three@a.test" name="Three"/></query></iq>`
  await romeo.settles()

  const [phone] = await stage.connect('romeo/phone')
  const answer = await phone.asksRaw(`<iq type="get"><query xmlns="${ROSTER}" ver="${known}"/></iq>`)
  expect(answer.elements()).toEqual([])
  const { ver } = await phone.receivesUnordered(
    p`<iq type="set" to="${phone}"><query xmlns="${ROSTER}" ver="${capture('ver')}"><item jid="three@a.test" name="Three"/></query></iq>`,
    p`<iq type="set" to="${phone}"><query xmlns="${ROSTER}"><item jid="two@a.test" subscription="remove"/></query></iq>`,
  )
  const again = await phone.asksRaw(`<iq type="get"><query xmlns="${ROSTER}" ver="${ver!}"/></iq>`)
  expect(again.elements()).toEqual([])
  await phone.receivesNothing()
})

scenario('RFC 6121 § 2.6.1: the stream says that rosters have versions', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  expect(romeo.client.features?.child('ver', 'urn:xmpp:features:rosterver')).toBeDefined()
  expect(romeo.client.features?.child('sub', 'urn:xmpp:features:pre-approval')).toBeDefined()
})

scenario('RFC 6121 § 2.6.3: a version that nobody knows brings the whole roster', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="one@a.test"/></query></iq>`
  await romeo.settles()

  for (const version of ['1', 'nonsense', '9007199254740993000', "' OR 1=1", '-1']) {
    const query = await romeo.asks`<iq type="get"><query xmlns="${ROSTER}" ver="${version}"/></iq>`
    expect(query.elements().length).toBe(1)
  }
})
