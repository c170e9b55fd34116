import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'

const features = (query: Element) => query.childrenNamed('feature').map(({ attrs }) => attrs['var'] ?? '')

scenario('XEP-0030 § 3.1: the host says what it is and what it speaks, each thing once', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  const info = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}"/></iq>`
  expect(info.childrenNamed('identity').map(({ attrs }) => ({ ...attrs }))).toContainEqual({
    category: 'server',
    type: 'im',
    name: 'Parley',
  })
  expect(new Set(features(info)).size).toBe(features(info).length)
  expect(features(info)).toEqual(
    expect.arrayContaining([INFO, ITEMS, 'urn:xmpp:ping', 'urn:xmpp:blocking', 'jabber:iq:roster', 'vcard-temp']),
  )
})

scenario('XEP-0030 § 3.1: an account tells its owner and its contacts', async ({ server, befriend }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await befriend(romeo, juliet)

  for (const actor of [romeo, juliet]) {
    const info = await actor.asks`<iq type="get" to="${romeo.bare}"><query xmlns="${INFO}"/></iq>`
    expect(info.childrenNamed('identity').map(({ attrs }) => attrs['type'])).toContain('registered')
    expect(features(info)).toContain('vcard-temp')
  }
  for (const to of [romeo.bare, 'ghost@a.test']) {
    await refused(nurse.asks`<iq type="get" to="${to}"><query xmlns="${INFO}"/></iq>`, 'service-unavailable', '')
    await refused(nurse.asks`<iq type="get" to="${to}"><query xmlns="${ITEMS}"/></iq>`, 'service-unavailable', '')
    await refused(
      nurse.asks`<iq type="get" to="${to}"><query xmlns="${INFO}" node="x"/></iq>`,
      'service-unavailable',
      '',
    )
  }
})

scenario('XEP-0030 § 3.2: a node that is not there', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  for (const to of ['a.test', romeo.bare])
    for (const ns of [INFO, ITEMS])
      for (const node of ['nothing', '__proto__'])
        await refused(
          romeo.asks`<iq type="get" to="${to}"><query xmlns="${ns}" node="${node}"/></iq>`,
          'item-not-found',
          'There is no such node',
        )
})

scenario('XEP-0030 § 4.1: the items of a host are its services, never its accounts', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  await stage.join('juliet/balcony')
  stage.core.router.components.set('irc.a.test', () => undefined)
  stage.core.router.components.set('irc.b.test', () => undefined)
  stage.host.services.set('rooms.a.test', 'Rooms')

  const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}"/></iq>`
  expect(items.elements().map(({ attrs }) => attrs['jid'])).toEqual(
    expect.arrayContaining(['rooms.a.test', 'irc.a.test']),
  )
  const text = String(items)
  for (const word of ['irc.b.test', 'romeo', 'juliet']) expect(text).not.toContain(word)
  const own = await romeo.asks`<iq type="get" to="${romeo.bare}"><query xmlns="${ITEMS}"/></iq>`
  expect(own.elements()).toEqual([])
  await romeo.settles()
})
