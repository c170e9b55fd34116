import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Presence } from '@parley/stanza'
import { type Actor, capture, refused, scenario } from '@parley/testkit'
import { serialize } from '@parley/xml'

const BLOCK = 'urn:xmpp:blocking'
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const ROSTER = 'jabber:iq:roster'

/** All that somebody hears after asking an address in every way; addresses and ids taken out. */
async function oracle(asker: Actor, bare: string): Promise<string[]> {
  const full = `${bare}/guess`
  const iq = (to: string, payload: string, type = 'get') => `<iq type="${type}" to="${to}" id="q">${payload}</iq>`
  const stanzas = [
    ...[bare, full].flatMap(to => [
      iq(to, '<ping xmlns="urn:xmpp:ping"/>'),
      iq(to, '<query xmlns="jabber:iq:version"/>'),
      iq(to, '<query xmlns="jabber:iq:last"/>'),
      iq(to, '<vCard xmlns="vcard-temp"/>'),
      iq(to, `<query xmlns="${INFO}"/>`),
      iq(to, `<query xmlns="${INFO}" node="x"/>`),
      iq(to, `<query xmlns="${ITEMS}"/>`),
      iq(to, `<query xmlns="${ROSTER}"/>`),
      iq(to, '<query xmlns="jabber:iq:register"/>'),
      iq(to, '<time xmlns="urn:xmpp:time"/>'),
      iq(to, '<x xmlns="urn:unknown"/>'),
      iq(to, '<x xmlns="urn:unknown"/>', 'set'),
      `<presence to="${to}"/>`,
      `<presence to="${to}" type="unavailable"/>`,
      `<presence to="${to}" type="probe"/>`,
      `<presence to="${to}" type="unsubscribe"/>`,
      `<message to="${to}" type="groupchat"><body>x</body></message>`,
    ]),
    `<message to="${full}"><body>x</body></message>`,
    `<message to="${full}" type="headline"><body>x</body></message>`,
  ]
  const heard: string[] = []
  for (const stanza of stanzas) {
    await asker.sendsRaw(stanza)
    for (let i = 0; i < 3; i++) await asker.fence()
    const answers = asker.unexpected.map(element => serialize(element, 'jabber:client').replaceAll(bare, 'SOMEBODY'))
    heard.push(`${stanza.replaceAll(bare, 'SOMEBODY')} -> ${answers.join('')}`)
    await asker.settles()
  }
  return heard
}

scenario('threat 67: a stranger, who blocks, and nobody answer alike', async ({ server }) => {
  const stage = await server('a.test')
  const [tybalt, stranger, blocker] = await stage.join('tybalt/street', 'stranger/home', 'blocker/home')
  await blocker.asks`<iq type="set"><block xmlns="${BLOCK}"><item jid="${tybalt.bare}"/></block></iq>`
  await stage.account('away')
  await tybalt.settles()

  const nobody = await oracle(tybalt, 'nobody@a.test')
  expect(await oracle(tybalt, stranger.bare.text)).toEqual(nobody)
  expect(await oracle(tybalt, blocker.bare.text)).toEqual(nobody)
  expect(await oracle(tybalt, 'away@a.test')).toEqual(nobody)
  await stranger.settles()
  await blocker.receivesNothing()
})

scenario('threat 70: a probe tells strangers nothing', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, tybalt] = await stage.join('romeo/orchard', 'tybalt/street')
  await romeo.settles()

  for (const to of [romeo, romeo.bare, 'ghost@a.test', 'romeo@a.test/x'])
    await tybalt.sends`<presence type="probe" to="${to}"/>`
  await tybalt.receivesNothing()
  await romeo.receivesNothing()
})

scenario('threat 71: "subscribed" that nobody asked for changes nothing', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, tybalt] = await stage.join('romeo/orchard', 'tybalt/street')
  const forged = new Presence({ type: 'subscribed', from: tybalt.bare, to: romeo.bare })
  for (let i = 0; i < 3; i++) await stage.core.router.route(forged)

  await romeo.receivesNothing()
  expect((await romeo.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`).elements()).toEqual([])
  await tybalt.sends`<presence><status>Look at me</status></presence>`
  await tybalt.settles()
  await romeo.receivesNothing()
})

scenario(
  'threat 74: who had directed presence hears of the end once, after the hold time',
  async ({ server, after }) => {
    const stage = await server('a.test')
    const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/house')
    await romeo.sends`<enable xmlns="urn:xmpp:sm:3" resume="true" max="60"/>`
    await romeo.settles()
    await romeo.sends`<presence to="${juliet}"/>`
    await romeo.sends`<presence to="${nurse.bare}"/>`
    await juliet.receives`<presence from="${romeo}"/>`
    await nurse.receives`<presence from="${romeo}"/>`
    await romeo.settles()

    await romeo.losesConnection()
    await juliet.receivesNothing()
    await after('61s')
    await juliet.receives`<presence type="unavailable" from="${romeo}"/>`
    await nurse.receives`<presence type="unavailable" from="${romeo}"/>`
    await after('61s')
    await juliet.receivesNothing()
    await nurse.receivesNothing()
  },
)

scenario(
  'threat 77: a block holds for a session that comes back, for copies and for what waits',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo, phone, juliet] = await stage.join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
    await phone.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
    await romeo.asks`<iq type="set"><block xmlns="${BLOCK}"><item jid="${juliet.bare}"/></block></iq>`
    await romeo.settles()
    await romeo.sends`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`
    const { id } = await romeo.receives`<enabled xmlns="urn:xmpp:sm:3" id="${capture('id')}"/>`
    await romeo.losesConnection()

    for (const to of [romeo, romeo.bare]) {
      await juliet.sends`<message to="${to}" type="chat" id="m1"><body>Hear me</body><request xmlns="urn:xmpp:receipts"/></message>`
      await juliet.receives`<message type="error" id="m1"/>`
      await juliet.sends`<message to="${to}" id="m2"><received xmlns="urn:xmpp:receipts" id="r"/></message>`
      await juliet.receives`<message type="error" id="m2"/>`
      await refused(juliet.asks`<iq type="get" to="${to}"><x xmlns="urn:x"/></iq>`, 'service-unavailable', '')
      await juliet.sends`<presence to="${to}"/>`
    }
    await phone.receivesNothing()

    const again = stage.client()
    await again.negotiate('a.test')
    again.write(
      `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${Buffer.from('\0romeo\0secret').toString('base64')}</auth>`,
    )
    await again.next('success')
    await again.negotiate('a.test')
    again.write(`<resume xmlns="urn:xmpp:sm:3" previd="${id}" h="0"/>`)
    expect((await again.next('resumed')).name).toBe('resumed')
    await again.request('get', '<ping xmlns="urn:xmpp:ping"/>', 'a.test')
    expect(again.inbox.filter(({ name }) => name !== 'r')).toEqual([])
  },
)

scenario('threat 79: nobody lists who is online', async ({ server }) => {
  const [tybalt, juliet] = await (await server('a.test')).join('tybalt/street', 'juliet/balcony')

  const host = await tybalt.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}"/></iq>`
  expect(String(host)).not.toContain('@')
  for (const node of ['online users', 'all users', 'http://jabber.org/protocol/admin#get-online-users'])
    await refused(
      tybalt.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}" node="${node}"/></iq>`,
      'item-not-found',
    )
  await refused(tybalt.asks`<iq type="get" to="${juliet.bare}"><query xmlns="${ITEMS}"/></iq>`, 'service-unavailable')
})

scenario('threat 150: a command goes on only for the admin and the client that began it', async ({ server }) => {
  const config = { domains: ['a.test'], admins: ['prince@a.test'] }
  const stage = await server('a.test', { config })
  const [prince, romeo] = await stage.connect('prince/palace', 'romeo/orchard')
  const node = 'urn:parley:command:user-delete'
  const begun =
    await prince.asks`<iq type="set" to="a.test"><command xmlns="http://jabber.org/protocol/commands" node="${node}"/></iq>`
  const id = begun.attrs['sessionid']!
  const goOn = (actor: Actor) =>
    actor.asks`<iq type="set" to="a.test"><command xmlns="http://jabber.org/protocol/commands" node="${node}" sessionid="${id}"><x xmlns="jabber:x:data" type="submit"><field var="jid"><value>prince@a.test</value></field></x></command></iq>`

  await refused(goOn(romeo), 'forbidden', 'Commands are for admins')
  const [other] = await stage.connect('prince/other')
  await refused(goOn(other), 'bad-request', 'There is no such command under way')
  // Nor for who has the address next.
  await prince.leaves()
  const [later] = await stage.connect('prince/palace')
  await refused(goOn(later), 'bad-request', 'There is no such command under way')
  expect(await stage.host.accounts.exists(Jid.parse('prince@a.test'))).toBe(true)
})
