import { expect } from '@jest/globals'
import { any, exactly, p, refused, scenario } from '@parley/testkit'

const NS = 'urn:xmpp:blocking'
const ERRORS = 'urn:xmpp:blocking:errors'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

scenario('XEP-0191 § 3.1: the host says that it can block', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  const info = await romeo.asks`<iq type="get" to="a.test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.elements().map(({ attrs }) => attrs['var'])).toContain(NS)
})

scenario(
  'XEP-0191 § 3.2: the list is empty, then it has what was blocked, also at the next login',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.connect('romeo/orchard')
    expect((await romeo.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`).elements()).toEqual([])

    await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="tybalt@a.test"/><item jid="evil.test"/></block></iq>`
    await romeo.receives`<iq type="set"><block xmlns="${NS}"><item jid="tybalt@a.test"/><item jid="evil.test"/></block></iq>`
    const [phone] = await stage.connect('romeo/phone')
    const list = await phone.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`
    expect(
      list
        .elements()
        .map(({ attrs }) => attrs['jid'])
        .sort(),
    ).toEqual(['evil.test', 'tybalt@a.test'])
  },
)

scenario('XEP-0191 § 3.2: a block list is its owner’s alone', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')

  await refused(romeo.asks`<iq type="get" to="${juliet.bare}"><blocklist xmlns="${NS}"/></iq>`, 'service-unavailable')
  await refused(
    romeo.asks`<iq type="set" to="${juliet.bare}"><block xmlns="${NS}"><item jid="nurse@a.test"/></block></iq>`,
    'service-unavailable',
  )
})

scenario('XEP-0191 § 3.3: pushes go to resources that have asked for the list', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, tablet] = await stage.connect('romeo/orchard', 'romeo/phone', 'romeo/tablet')
  await romeo.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`
  await phone.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`

  await tablet.asks`<iq type="set"><block xmlns="${NS}"><item jid="tybalt@a.test"/></block></iq>`
  for (const actor of [romeo, phone])
    await actor.receivesUnordered(
      exactly`<iq type="set" id="${any}" from="${romeo.bare}" to="${actor}"><block xmlns="${NS}"><item jid="tybalt@a.test"/></block></iq>`,
    )
  await tablet.asks`<iq type="set"><unblock xmlns="${NS}"><item jid="tybalt@a.test"/></unblock></iq>`
  for (const actor of [romeo, phone])
    await actor.receives`<iq type="set" to="${actor}"><unblock xmlns="${NS}"><item jid="tybalt@a.test"/></unblock></iq>`
  await tablet.receivesNothing()
})

scenario('XEP-0191 § 3.3: what cannot be blocked is refused', async ({ server }) => {
  const config = { modules: { blocking: { entries: 2 } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')

  await refused(romeo.asks`<iq type="set"><block xmlns="${NS}"/></iq>`, 'bad-request', 'Nobody to block')
  await refused(romeo.asks`<iq type="set"><block xmlns="${NS}"><item/></block></iq>`, 'jid-malformed')
  await refused(romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="a@b@c/"/></block></iq>`, 'jid-malformed')
  const long = `${'l'.repeat(1000)}@a.test/${'r'.repeat(1000)}`
  await refused(
    romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${long}"/></block></iq>`,
    'not-acceptable',
    'The address is too long to block',
  )
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="1@a.test"/><item jid="2@a.test"/></block></iq>`
  await refused(
    romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="3@a.test"/></block></iq>`,
    'resource-constraint',
    'The block list is full',
  )
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="2@a.test"/></block></iq>`
})

scenario(
  'XEP-0191 § 3.3: who is blocked sees the user leave, and is not there for the user',
  async ({ server, befriend }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)

    await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${juliet.bare}"/></block></iq>`
    await juliet.receivesUnordered(exactly`<presence type="unavailable" from="${romeo}" to="${juliet.bare}"/>`)

    // Nothing of the user reaches who is blocked: presence to all, directed, its end, the next login.
    await romeo.sends`<presence><show>dnd</show></presence>`
    await romeo.receives`<presence from="${romeo}"/>`
    const blocked = `<not-acceptable xmlns="${STANZAS}"/><text xmlns="${STANZAS}">You have blocked this address</text><blocked xmlns="${ERRORS}"/>`
    for (const stanza of [
      `<presence to="${juliet}"/>`,
      `<presence to="${juliet.bare}" type="subscribe"/>`,
      `<presence to="${juliet.bare}" type="probe"/>`,
      `<message to="${juliet.bare}" type="chat"><body>Can you hear me?</body></message>`,
      `<message to="${juliet}" type="headline"/>`,
      `<iq to="${juliet}" type="get" id="1"><q xmlns="urn:x"/></iq>`,
      `<iq to="${juliet.bare}" type="set" id="1"><q xmlns="urn:x"/></iq>`,
    ]) {
      await romeo.sendsRaw(stanza)
      const name = /\w+/.exec(stanza)![0]
      const error = await romeo.client.next('the refusal')
      expect([error.name, error.attrs['type'], error.attrs['from']?.split('/')[0]]).toEqual([
        name,
        'error',
        'juliet@a.test',
      ])
      expect(String(error.child('error'))).toContain(blocked)
    }
    await romeo.leaves()
    await juliet.receivesNothing()
  },
)

scenario('XEP-0191 § 3.3: nothing of who is blocked reaches the user', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${juliet.bare}"/></block></iq>`
  await juliet.settles()

  for (const to of [romeo, romeo.bare]) {
    await juliet.sends`<message to="${to}" type="chat" id="m1"><body>Wherefore?</body></message>`
    await juliet.receivesUnordered(
      exactly`<message type="error" from="${to}" to="${juliet}" id="m1"><error type="cancel"><service-unavailable xmlns="${STANZAS}"/></error></message>`,
    )
    await refused(juliet.asks`<iq type="get" to="${to}"><ping xmlns="urn:xmpp:ping"/></iq>`, 'service-unavailable', '')
    await juliet.sends`<iq type="result" to="${to}" id="r1"/>`
    await juliet.sends`<iq type="error" to="${to}" id="r1"><error type="cancel"/></iq>`
    await juliet.sends`<message to="${to}" type="error"/>`
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'unavailable', 'error'])
      await juliet.sends`<presence to="${to}" type="${type}"/>`
    await juliet.sends`<presence to="${to}"/>`
    await juliet.settles()
  }
  await juliet.sends`<presence><show>away</show></presence>`
  await juliet.settles()
  await romeo.receivesNothing()
})

scenario('XEP-0191 § 3.3: a request that waits is not shown while its sender is blocked', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  await stage.account('romeo')
  await juliet.sends`<presence type="subscribe" to="romeo@a.test"/>`
  await juliet.settles()
  const [romeo] = await stage.connect('romeo/orchard')
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${juliet.bare}"/></block></iq>`

  await romeo.sends`<presence/>`
  await romeo.receives`<presence from="${romeo}"/>`
  await romeo.receivesNothing()
})

scenario('XEP-0191 § 3.4: who is unblocked sees the user again', async ({ server, befriend }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await befriend(romeo, juliet)
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${juliet.bare}"/><item jid="${nurse.bare}"/></block></iq>`
  await romeo.sends`<presence><show>dnd</show></presence>`
  await romeo.settles()
  await juliet.settles()

  await romeo.asks`<iq type="set"><unblock xmlns="${NS}"><item jid="${juliet.bare}"/><item jid="${nurse.bare}"/></unblock></iq>`
  await juliet.receives`<presence from="${romeo}"><show>dnd</show></presence>`
  await nurse.receivesNothing()
  await juliet.sends`<message to="${romeo}" type="chat"><body>There you are</body></message>`
  await romeo.receives`<message from="${juliet}"><body>There you are</body></message>`
})

scenario('XEP-0191 § 3.5: all are unblocked at once', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  await romeo.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${juliet.bare}"/><item jid="evil.test"/></block></iq>`
  await juliet.settles()
  await romeo.settles()

  await romeo.asks`<iq type="set"><unblock xmlns="${NS}"/></iq>`
  await romeo.receivesUnordered(
    exactly`<iq type="set" id="${any}" from="${romeo.bare}" to="${romeo}"><unblock xmlns="${NS}"/></iq>`,
  )
  await juliet.receives`<presence from="${romeo}"/>`
  expect((await romeo.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`).elements()).toEqual([])
})

scenario('XEP-0191 § 5: a resource, a domain, a resource of a domain', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await befriend(romeo, juliet)
  await phone.settles()
  const says = async (from: typeof juliet) => {
    await from.sends`<message to="${romeo}" type="chat"><body>Hear me</body></message>`
    await from.fence()
    await romeo.fence()
    const heard = romeo.unexpected.length === 1
    await romeo.settles()
    await from.settles()
    return heard
  }

  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="${phone}"/></block></iq>`
  await phone.receives`<presence type="unavailable" from="${romeo}" to="${phone}"/>`
  expect([await says(juliet), await says(phone)]).toEqual([true, false])
  await romeo.asks`<iq type="set"><unblock xmlns="${NS}"><item jid="${phone}"/></unblock></iq>`
  await phone.receives`<presence from="${romeo}" to="${phone}"/>`
  await juliet.receivesNothing()

  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="a.test/phone"/></block></iq>`
  expect([await says(juliet), await says(phone)]).toEqual([true, false])
  await romeo.asks`<iq type="set"><unblock xmlns="${NS}"/></iq>`

  // The domain covers all its accounts, but never the user's own resources, nor the server itself.
  const [own] = await stage.join('romeo/phone')
  await romeo.settles()
  await juliet.settles()
  await phone.settles()
  await romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="a.test"/></block></iq>`
  await juliet.receivesUnordered(
    p`<presence type="unavailable" from="${romeo}"/>`,
    p`<presence type="unavailable" from="${own}"/>`,
  )
  await phone.settles()
  expect([await says(juliet), await says(phone), await says(own)]).toEqual([false, false, true])
  await romeo.asks`<iq type="get" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`
  await romeo.asks`<iq type="set"><unblock xmlns="${NS}"><item jid="a.test"/></unblock></iq>`
  expect(await says(juliet)).toBe(true)
  await phone.settles()
})

scenario('XEP-0191 § 3.3: two sessions that block at once lose nothing', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone] = await stage.connect('romeo/orchard', 'romeo/phone')

  await Promise.all([
    romeo.asks`<iq type="set"><block xmlns="${NS}"><item jid="one@a.test"/></block></iq>`,
    phone.asks`<iq type="set"><block xmlns="${NS}"><item jid="two@a.test"/></block></iq>`,
  ])
  expect((await romeo.asks`<iq type="get"><blocklist xmlns="${NS}"/></iq>`).elements().length).toBe(2)
})
