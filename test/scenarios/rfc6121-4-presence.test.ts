import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Presence } from '@parley/stanza'
import { exactly, p, refused, scenario } from '@parley/testkit'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

scenario(
  'RFC 6121 § 4.2.2: initial presence reaches contacts and the own other resource',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    const [phone] = await stage.connect('romeo/phone')

    await phone.sends`<presence><show>away</show></presence>`
    await juliet.receives`<presence from="${phone}" to="${juliet.bare}"><show>away</show></presence>`
    await romeo.receives`<presence from="${phone}"><show>away</show></presence>`
    await phone.receivesUnordered(
      p`<presence from="${phone}"><show>away</show></presence>`,
      p`<presence from="${romeo}"/>`,
      p`<presence from="${juliet}"/>`,
    )
  },
)

scenario('RFC 6121 § 4.2.1: presence reaches those who may see it, and nobody else', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await juliet.sends`<presence type="subscribe" to="${romeo.bare}"/>`
  await juliet.fence()
  await romeo.sends`<presence type="subscribed" to="${juliet.bare}"/>`
  await nurse.sends`<presence type="subscribe" to="${romeo.bare}"/>`
  await nurse.settles()
  await romeo.settles()
  await juliet.settles()

  await romeo.sends`<presence><status>Here</status></presence>`
  await juliet.receives`<presence from="${romeo}"><status>Here</status></presence>`
  await nurse.receivesNothing()
  await romeo.receives`<presence from="${romeo}"/>`
  // One way only.
  await juliet.sends`<presence><status>Here too</status></presence>`
  await juliet.receives`<presence from="${juliet}"/>`
  await romeo.receivesNothing()
})

scenario('RFC 6121 § 4.3.1: a login asks contacts elsewhere for their presence', async ({ server }) => {
  const stage = await server('a.test')
  const owner = await stage.account('romeo')
  const sent: string[] = []
  stage.core.router.components.set('b.test', stanza => void sent.push(stanza.toXml()))
  for (const [name, subscription] of Object.entries({ to: 'to', from: 'from', both: 'both', none: 'none' } as const)) {
    const item = { contact: `${name}@b.test`, listed: true, groups: [], subscription, ask: false, approved: false }
    await stage.store.rosters.put(owner.text, item)
  }
  const [romeo] = await stage.join('romeo/orchard')

  expect(sent.sort()).toEqual([
    `<presence from="${romeo}" to="both@b.test" type="probe"/>`,
    `<presence from="${romeo}" to="both@b.test"/>`,
    `<presence from="${romeo}" to="from@b.test"/>`,
    `<presence from="${romeo}" to="to@b.test" type="probe"/>`,
  ])
})

scenario('RFC 6121 § 4.3.2: a probe is answered to those who may know', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await befriend(romeo, juliet)
  await romeo.sends`<presence><show>xa</show><c xmlns="urn:x"/></presence>`
  await romeo.settles()
  await juliet.settles()

  await juliet.sends`<presence type="probe" to="${romeo.bare}"/>`
  await juliet.receivesUnordered(
    exactly`<presence from="${romeo}" to="${juliet}"><show>xa</show><c xmlns="urn:x"/></presence>`,
  )
  await juliet.sends`<presence type="probe" to="${romeo}"/>`
  await juliet.receives`<presence from="${romeo}"><show>xa</show></presence>`
  await nurse.sends`<presence type="probe" to="${romeo.bare}"/>`
  await nurse.sends`<presence type="probe" to="nobody@a.test"/>`
  await nurse.receivesNothing()
  await romeo.receivesNothing()

  await romeo.sends`<presence type="unavailable"/>`
  await juliet.receives`<presence type="unavailable" from="${romeo}"/>`
  await juliet.sends`<presence type="probe" to="${romeo.bare}"/>`
  await juliet.receives`<presence type="unavailable" from="${romeo.bare}"/>`
})

scenario(
  'RFC 6121 § 4.3.2: strangers elsewhere hear "unsubscribed", for accounts that are there and that are not',
  async ({ server }) => {
    const stage = await server('a.test')
    await stage.join('romeo/orchard')
    const sent: string[] = []
    stage.core.router.components.set('b.test', stanza => void sent.push(stanza.toXml()))
    const from = Jid.parse('paris@b.test/hall')
    for (const to of ['romeo@a.test', 'ghost@a.test'])
      await stage.core.router.route(new Presence({ type: 'probe', from, to: Jid.parse(to) }))

    expect(sent).toEqual([
      '<presence from="romeo@a.test" to="paris@b.test" type="unsubscribed"/>',
      '<presence from="ghost@a.test" to="paris@b.test" type="unsubscribed"/>',
    ])
  },
)

scenario('RFC 6121 § 4.4.2: a change reaches contacts, and asks nobody again', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<presence><show>chat</show><priority>5</priority></presence>`
  await juliet.receives`<presence from="${romeo}" to="${juliet.bare}"><show>chat</show><priority>5</priority></presence>`
  await romeo.receives`<presence from="${romeo}"/>`
  await romeo.receivesNothing()
})

scenario('RFC 6121 § 4.4: presence that changes without end is slowed down', async ({ server, befriend, after }) => {
  const config = { modules: { presence: { changes: 3 } } }
  const [romeo, juliet] = await (await server('a.test', { config })).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  for (let i = 0; i < 2; i++) await romeo.sends`<presence><status>${i}</status></presence>`
  await romeo.settles()
  await juliet.settles()

  await romeo.sends`<presence id="p4"><status>again</status></presence>`
  await romeo.receives`<presence type="error" id="p4"><error type="wait"><resource-constraint xmlns="${STANZAS}"/><text xmlns="${STANZAS}">Your presence changes too often</text></error></presence>`
  await juliet.receivesNothing()
  await after('21s')
  await romeo.sends`<presence><status>again</status></presence>`
  await juliet.receives`<presence from="${romeo}"><status>again</status></presence>`
  await romeo.receives`<presence from="${romeo}"/>`
})

scenario('RFC 6121 § 4.5.2: unavailable presence ends what contacts see', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<presence type="unavailable"><status>gone</status></presence>`
  await juliet.receives`<presence type="unavailable" from="${romeo}"><status>gone</status></presence>`
  await romeo.receivesNothing()
  // Who is away does not leave again.
  await romeo.sends`<presence type="unavailable"/>`
  await romeo.leaves()
  await juliet.receivesNothing()
})

scenario('RFC 6121 § 4.5.4: a connection that is lost or closed ends it too', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, phone, juliet] = await stage.join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.losesConnection()
  await juliet.receives`<presence type="unavailable" from="${romeo}" to="${juliet.bare}"/>`
  await phone.receives`<presence type="unavailable" from="${romeo}"/>`
  await phone.leaves()
  await juliet.receives`<presence type="unavailable" from="${phone}"/>`
})

scenario('RFC 6121 § 4.6: directed presence reaches a stranger, and its end does', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await romeo.settles()

  await romeo.sends`<presence to="${juliet}"><status>Just for you</status></presence>`
  await juliet.receivesUnordered(
    exactly`<presence from="${romeo}" to="${juliet}"><status>Just for you</status></presence>`,
  )
  await romeo.sends`<presence to="${nurse.bare}"/>`
  await nurse.receives`<presence from="${romeo}" to="${nurse.bare}"/>`

  // § 4.6.3: ended by hand: not told again
  await romeo.sends`<presence to="${nurse.bare}" type="unavailable"/>`
  await nurse.receives`<presence type="unavailable" from="${romeo}"/>`
  await romeo.sends`<presence><show>away</show></presence>`
  await romeo.receives`<presence from="${romeo}"/>`
  await juliet.receivesNothing()
  await romeo.leaves()
  await juliet.receives`<presence type="unavailable" from="${romeo}" to="${juliet}"/>`
  await nurse.receivesNothing()
})

scenario(
  'RFC 6121 § 4.6.3: a contact hears of the end once, however it saw the beginning',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    const [phone] = await stage.connect('romeo/phone')

    // Never available to all, and then gone.
    await phone.sends`<presence to="${juliet.bare}"/>`
    await juliet.receives`<presence from="${phone}"/>`
    await phone.losesConnection()
    await juliet.receives`<presence type="unavailable" from="${phone}"/>`

    // Directed first, then to all.
    const [tablet] = await stage.connect('romeo/tablet')
    await tablet.sends`<presence to="${juliet}"/>`
    await tablet.sends`<presence/>`
    await juliet.receives`<presence from="${tablet}" to="${juliet}"/>`
    await juliet.receives`<presence from="${tablet}" to="${juliet.bare}"/>`
    await tablet.sends`<presence type="unavailable"><status>bye</status></presence>`
    await juliet.receives`<presence type="unavailable" from="${tablet}"><status>bye</status></presence>`
    await tablet.settles()
    await tablet.leaves()
    await juliet.receivesNothing()
    await romeo.settles()
  },
)

scenario('RFC 6121 § 4.6.4: unavailable presence to all goes to those of directed presence too', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<presence to="${juliet}"/>`
  await juliet.receives`<presence from="${romeo}"/>`

  await romeo.sends`<presence type="unavailable"><status>bye</status></presence>`
  await juliet.receives`<presence type="unavailable" from="${romeo}" to="${juliet}"><status>bye</status></presence>`
  await romeo.leaves()
  await juliet.receivesNothing()
})

scenario(
  'RFC 6121 § 4.6.1: directed presence has a limit, so that nobody is forgotten at the end',
  async ({ server }) => {
    const stage = await server('a.test')
    stage.core.router.components.set('b.test', () => undefined)
    const [romeo] = await stage.connect('romeo/orchard')
    for (let i = 0; i < 1000; i++) await romeo.sends`<presence to="x${i}@b.test"/>`

    await romeo.sends`<presence to="more@b.test"/>`
    await romeo.receives`<presence type="error" from="more@b.test"><error><text xmlns="${STANZAS}">Directed presence to too many addresses</text></error></presence>`
    await romeo.sends`<presence to="x1@b.test"/>`
    await romeo.sends`<presence to="x1@b.test" type="unavailable"/>`
    await romeo.sends`<presence to="more@b.test"/>`
    await romeo.receivesNothing()
  },
)

scenario('RFC 6121 § 4.7.2: show and priority have their values', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await romeo.settles()

  await romeo.sends`<presence id="p1"><show>busy</show></presence>`
  await romeo.receives`<presence type="error" id="p1"><error type="modify"><bad-request xmlns="${STANZAS}"/><text xmlns="${STANZAS}">Unknown value of show</text></error></presence>`
  for (const priority of ['128', '-129', '1.5', 'high', '', '0x10', '1e1']) {
    await romeo.sends`<presence><priority>${priority}</priority></presence>`
    await romeo.receives`<presence type="error"><error type="modify"><text xmlns="${STANZAS}">The priority is a whole number from -128 to 127</text></error></presence>`
  }
  for (const [show, priority] of [
    ['away', '-128'],
    ['chat', '127'],
    ['dnd', '+1'],
    ['xa', ' 0 '],
  ] as const) {
    await romeo.sends`<presence><show>${show}</show><priority>${priority}</priority></presence>`
    await romeo.receives`<presence from="${romeo}"><show>${show}</show></presence>`
  }
})

scenario('RFC 6121 § 4.7.1: an unknown type is refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await romeo.settles()

  await romeo.sends`<presence type="invisible" id="p1"/>`
  await romeo.receives`<presence type="error" id="p1"><error type="modify"><bad-request xmlns="${STANZAS}"/></error></presence>`
})

scenario(
  'RFC 6121 § 4.7.2.3: a negative priority gets presence, and no messages for the account',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await juliet.sends`<presence><priority>-1</priority></presence>`
    await juliet.settles()

    await romeo.sends`<message type="headline" to="${juliet.bare}"><body>News</body></message>`
    await juliet.receivesNothing()
    await romeo.sends`<presence to="${juliet.bare}"/>`
    await juliet.receives`<presence from="${romeo}"/>`
  },
)

scenario('RFC 6121 § 8.5.2: presence for an account reaches all its available resources', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  const [away] = await stage.connect('juliet/away')
  await juliet.settles()
  await phone.settles()

  await romeo.sends`<presence to="${juliet.bare}"/>`
  await juliet.receives`<presence from="${romeo}" to="${juliet.bare}"/>`
  await phone.receives`<presence from="${romeo}" to="${juliet.bare}"/>`
  await away.receivesNothing()
  // § 8.5.3.1: the resource that is named, available or not
  await romeo.sends`<presence to="${away}"/>`
  await away.receives`<presence from="${romeo}" to="${away}"/>`
  // § 8.5.3.2.2, § 8.5.1: nobody is told that nobody is there
  await romeo.sends`<presence to="juliet@a.test/nowhere"/>`
  await romeo.sends`<presence to="ghost@a.test"/>`
  await romeo.sends`<presence to="a.test"/>`
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

scenario('RFC 6121 § 8.5.3: a presence error reaches the resource that it answers', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')

  await romeo.sends`<presence type="error" to="${juliet}" id="p1"><error type="cancel"><gone xmlns="${STANZAS}"/></error></presence>`
  await juliet.receives`<presence type="error" from="${romeo}" id="p1"><error><gone xmlns="${STANZAS}"/></error></presence>`
  await romeo.sends`<presence type="error" to="${juliet.bare}"/>`
  await juliet.receivesNothing()
})

scenario('RFC 6121 § 8.5: a request for an account is answered by the server on its behalf', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')

  await refused(romeo.asks`<iq type="get" to="${juliet.bare}"><q xmlns="urn:x"/></iq>`, 'service-unavailable')
  await juliet.receivesNothing()
})

scenario(
  'RFC 6121 § 4.5.4: an end that is found late does not hide who is there again',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    const { core } = stage
    const [entry] = await core.live.sessionsNow(romeo.jid.bare)
    const earlier = { ...entry!, sid: 'earlier' }
    await core.finishEnded(core.hosts[0]!, { entry: earlier, unacked: [], directed: [], inbound: 0 })
    await juliet.receivesNothing()
  },
)
