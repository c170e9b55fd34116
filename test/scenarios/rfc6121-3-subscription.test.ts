import { expect } from '@jest/globals'
import { any, exactly, p, scenario } from '@parley/testkit'

const ROSTER = 'jabber:iq:roster'

scenario('RFC 6121 § 3.1: a request, its approval, and the presence that follows', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')

  await romeo.sends`<presence type="subscribe" to="${juliet}" id="s1"><status>Let me in</status></presence>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="none" ask="subscribe"/></query></iq>`
  // § 3.1.2: from bare to bare, whatever was written
  await juliet.receivesUnordered(
    exactly`<presence type="subscribe" from="${romeo.bare}" to="${juliet.bare}" id="s1"><status>Let me in</status></presence>`,
  )

  await juliet.sends`<presence type="subscribed" to="${romeo}" id="s2"/>`
  await juliet.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="from"/></query></iq>`
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="to"/></query></iq>`,
    exactly`<presence type="subscribed" from="${juliet.bare}" to="${romeo.bare}" id="s2"/>`,
    p`<presence from="${juliet}"/>`,
  )
})

scenario(
  'RFC 6121 § 3.1.3: a request waits in no roster, and is shown at each login until it is answered',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.join('romeo/orchard')
    await stage.account('juliet')
    await romeo.sends`<presence type="subscribe" to="juliet@a.test"><status>Let me in</status><nick xmlns="http://jabber.org/protocol/nick">Romeo</nick></presence>`
    await romeo.settles()

    for (const resource of ['balcony', 'garden']) {
      const [juliet] = await stage.connect(`juliet/${resource}`)
      const roster = await juliet.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
      expect(roster.elements()).toEqual([])
      await juliet.sends`<presence/>`
      await juliet.receivesUnordered(
        p`<presence from="${juliet}"/>`,
        exactly`<presence type="subscribe" from="${romeo.bare}" to="${juliet.bare}"><status>Let me in</status><nick xmlns="http://jabber.org/protocol/nick">Romeo</nick></presence>`,
      )
      await juliet.leaves()
    }

    const [juliet] = await stage.connect('juliet/balcony')
    await juliet.sends`<presence type="unsubscribed" to="${romeo.bare}"/>`
    await juliet.sends`<presence/>`
    await juliet.receives`<presence from="${juliet}"/>`
    await juliet.receivesNothing()
    await romeo.settles()
  },
)

scenario('RFC 6121 § 3.1.3: a request that carries too much is kept without it', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  await stage.account('juliet')
  await romeo.sends`<presence type="subscribe" to="juliet@a.test"><status>${'x'.repeat(5000)}</status></presence>`
  await romeo.settles()

  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.receivesUnordered(
    p`<presence from="${juliet}"/>`,
    exactly`<presence type="subscribe" from="${romeo.bare}" to="${juliet.bare}"/>`,
  )
})

scenario('RFC 6121 § 3.1.3: who may see presence already is answered by the server', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<presence type="subscribe" to="${juliet.bare}"/>`
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

scenario('RFC 6121 § 3.1.6: a request that is declined leaves nothing behind', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<presence type="subscribe" to="${juliet.bare}"/>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item ask="subscribe"/></query></iq>`
  await juliet.receives`<presence type="subscribe" from="${romeo.bare}"/>`

  await juliet.sends`<presence type="unsubscribed" to="${romeo.bare}"/>`
  await romeo.receivesUnordered(
    p`<presence type="unsubscribed" from="${juliet.bare}"/>`,
    exactly`<iq type="set" id="${any}" from="${romeo.bare}" to="${romeo}"><query xmlns="${ROSTER}" ver="${any}"><item jid="${juliet.bare}" subscription="none"/></query></iq>`,
  )
  await juliet.receivesNothing()
  expect(await stage.store.rosters.get(juliet.bare.text, romeo.bare.text)).toBeUndefined()
})

scenario('RFC 6121 § 3.2: a subscription is taken back by the contact', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await juliet.sends`<presence type="unsubscribed" to="${romeo.bare}"/>`
  await juliet.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="to"/></query></iq>`
  await romeo.receivesUnordered(
    p`<presence type="unsubscribed" from="${juliet.bare}" to="${romeo.bare}"/>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="from"/></query></iq>`,
    p`<presence type="unavailable" from="${juliet}"/>`,
  )
  await juliet.sends`<presence><show>dnd</show></presence>`
  await juliet.receives`<presence from="${juliet}"/>`
  await romeo.receivesNothing()
})

scenario('RFC 6121 § 3.3: a user unsubscribes from a contact', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<presence type="unsubscribe" to="${juliet}"/>`
  await juliet.receivesUnordered(
    p`<presence type="unsubscribe" from="${romeo.bare}" to="${juliet.bare}"/>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="to"/></query></iq>`,
  )
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="from"/></query></iq>`,
    p`<presence type="unavailable" from="${juliet}"/>`,
  )
})

scenario('RFC 6121 § 3.4: who is approved in advance is let in without asking', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')

  await juliet.sends`<presence type="subscribed" to="${romeo.bare}"/>`
  await juliet.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="none" approved="true"/></query></iq>`
  await romeo.receivesNothing()

  await romeo.sends`<presence type="subscribe" to="${juliet.bare}" id="s1"/>`
  await juliet.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="from"/></query></iq>`
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item ask="subscribe"/></query></iq>`,
    p`<presence type="subscribed" from="${juliet.bare}" id="s1"/>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="to"/></query></iq>`,
    p`<presence from="${juliet}"/>`,
  )
  await juliet.receivesNothing()
})

scenario('RFC 6121 § 3.4.2: an approval in advance can be taken back', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await juliet.sends`<presence type="subscribed" to="${romeo.bare}"/>`
  await juliet.settles()

  await juliet.sends`<presence type="unsubscribed" to="${romeo.bare}"/>`
  await juliet.receivesUnordered(
    exactly`<iq type="set" id="${any}" from="${juliet.bare}" to="${juliet}"><query xmlns="${ROSTER}" ver="${any}"><item jid="${romeo.bare}" subscription="none"/></query></iq>`,
  )
  await romeo.receivesNothing()
  await romeo.sends`<presence type="subscribe" to="${juliet.bare}"/>`
  await juliet.receives`<presence type="subscribe" from="${romeo.bare}"/>`
  await romeo.settles()
})

scenario('RFC 6121 § 3.1.1: nobody subscribes to themselves', async ({ server }) => {
  const [romeo, phone] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone')
  await romeo.settles()

  for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']) {
    await romeo.sends`<presence type="${type}" to="${romeo.bare}"/>`
    await romeo.sends`<presence type="${type}" to="${phone}"/>`
    await romeo.sends`<presence type="${type}"/>`
  }
  await phone.receivesNothing()
  await romeo.receivesNothing()
})
