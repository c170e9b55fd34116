import { expect } from '@jest/globals'
import { type Actor, any, scenario } from '@parley/testkit'
import { type Element, serialize } from '@parley/xml'
import { done, EVENT, form, get, listen, OWNER, PUBSUB, publish, set } from './pep-client.ts'

const NODE = 'urn:xmpp:vcard4'
const VCARD = 'urn:ietf:params:xml:ns:vcard-4.0'

scenario(
  'XEP-0292 § 4: a vCard4 is published for everybody, and contacts hear that it is new',
  async ({ server, befriend }) => {
    const [romeo, juliet, stranger] = await (await server('a.test')).join(
      'romeo/orchard',
      'juliet/balcony',
      'stranger/road',
    )
    await befriend(romeo, juliet)
    await listen([juliet], NODE)
    const card = `<item><vcard xmlns="${VCARD}"><fn><text>Romeo</text></fn></vcard></item>`
    await done(romeo, set(publish(NODE, card, { access_model: 'open', deliver_payloads: 'false' })))
    await juliet.receives`<message from="${romeo.bare}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="${any}"/></items></event></message>`
    const found = await done(
      stranger,
      get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`, romeo.bare.text),
    )
    expect(found?.child('items')?.child('item')?.child('vcard', VCARD)?.child('fn')?.textOf('text')).toBe('Romeo')
    await romeo.settles()
  },
)

scenario('XEP-0292 § 7: the server and its accounts say that they know vCard4', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const to of ['a.test', romeo.bare.text]) {
    const info = await done(romeo, get('<query xmlns="http://jabber.org/protocol/disco#info"/>', to))
    expect(info?.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(VCARD)
  }
})

const TEMP = 'vcard-temp'
const ask = get(`<vCard xmlns="${TEMP}"/>`)
const items = (to: { toString(): string }) => get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`, `${to}`)
const published = async (actor: Actor, of: { toString(): string }) =>
  (await done(actor, items(of)))?.child('items')?.child('item')?.child('vcard', VCARD)
const bare = (element: Element | undefined) => serialize(element!).replace(/ xmlns="[^"]*"/g, '')

scenario('XEP-0292 § 10: who writes a vCard of the older kind has a vCard4 that says the same', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await done(
    romeo,
    set(
      `<vCard xmlns="${TEMP}"><FN>Romeo M.</FN><N><FAMILY>Montague</FAMILY><GIVEN>Romeo</GIVEN></N><BDAY>1580-02-01</BDAY><ADR><HOME/><LOCALITY>Verona</LOCALITY></ADR><TEL><PREF/><WORK/><VOICE/><NUMBER>+39-1</NUMBER></TEL><EMAIL><INTERNET/><USERID>r@a.test</USERID></EMAIL><JABBERID>romeo@a.test</JABBERID><ORG><ORGNAME>House</ORGNAME><ORGUNIT>Sons</ORGUNIT></ORG><DESC>In love</DESC><PHOTO><EXTVAL>http://a.test/p</EXTVAL></PHOTO><TITLE/></vCard>`,
    ),
  )
  expect(bare(await published(juliet, romeo.bare))).toBe(
    '<vcard><fn><text>Romeo M.</text></fn><n><surname>Montague</surname><given>Romeo</given><additional/><prefix/><suffix/></n><bday><date>1580-02-01</date></bday><adr><parameters><type><text>home</text></type></parameters><pobox/><ext/><street/><locality>Verona</locality><region/><code/><country/></adr><tel><parameters><type><text>work</text><text>voice</text></type><pref><integer>1</integer></pref></parameters><uri>tel:+39-1</uri></tel><email><text>r@a.test</text></email><impp><uri>xmpp:romeo@a.test</uri></impp><org><text>House</text><text>Sons</text></org><note><text>In love</text></note></vcard>',
  )
  // And back.
  expect(bare((await done(juliet, ask.replace('type=', `to="${romeo.bare}" type=`)))!)).toBe(
    '<vCard><FN>Romeo M.</FN><N><FAMILY>Montague</FAMILY><GIVEN>Romeo</GIVEN></N><BDAY>1580-02-01</BDAY><ADR><HOME/><LOCALITY>Verona</LOCALITY></ADR><TEL><WORK/><VOICE/><PREF/><NUMBER>+39-1</NUMBER></TEL><EMAIL><USERID>r@a.test</USERID></EMAIL><JABBERID>romeo@a.test</JABBERID><ORG><ORGNAME>House</ORGNAME><ORGUNIT>Sons</ORGUNIT></ORG><DESC>In love</DESC><PHOTO><EXTVAL>http://a.test/p</EXTVAL></PHOTO></vCard>',
  )
})

scenario('XEP-0292 § 10: who publishes a vCard4 changes the vCard of the older kind', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const from = ask.replace('type=', `to="${romeo.bare}" type=`)
  const card = (inside: string) => `<item id="current"><vcard xmlns="${VCARD}">${inside}</vcard></item>`
  const all =
    '<fn><text>Romeo</text></fn><gender><sex>M</sex></gender><impp><uri>sip:r@a.test</uri></impp><tel><text>12</text></tel><org/>'
  await done(romeo, set(publish(NODE, card(all), { access_model: 'open' })))
  expect(bare((await done(juliet, from))!)).toBe('<vCard><FN>Romeo</FN><TEL><NUMBER>12</NUMBER></TEL></vCard>')
  // What the older kind cannot say is not lost when that is written.
  await done(romeo, set(`<vCard xmlns="${TEMP}"><FN>R.</FN></vCard>`))
  expect(bare(await published(juliet, romeo.bare))).toBe(
    '<vcard><fn><text>R.</text></fn><gender><sex>M</sex></gender></vcard>',
  )
  await done(romeo, set(publish(NODE, card('<fn><text>M.</text></fn>'))))
  expect(bare((await done(juliet, from))!)).toBe('<vCard><FN>M.</FN></vCard>')
})

scenario('XEP-0292 § 10: a vCard4 for contacts is in no card that a stranger reads', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet, stranger] = await stage.join('romeo/orchard', 'juliet/balcony', 'stranger/road')
  await befriend(romeo, juliet)
  const from = ask.replace('type=', `to="${romeo.bare}" type=`)
  await done(romeo, set(`<vCard xmlns="${TEMP}"><FN>Somebody</FN></vCard>`))
  const closed = form('node_config', { access_model: 'presence' })
  await done(romeo, set(`<pubsub xmlns="${OWNER}"><configure node="${NODE}">${closed}</configure></pubsub>`))
  const secret = `<item id="current"><vcard xmlns="${VCARD}"><fn><text>Secret</text></fn></vcard></item>`
  await done(romeo, set(publish(NODE, secret)))
  expect(bare((await done(juliet, from))!)).toBe('<vCard><FN>Secret</FN></vCard>')
  expect(bare((await done(stranger, from))!)).toBe('<vCard><FN>Somebody</FN></vCard>')
  // Anything can be published there.
  await done(romeo, set(publish(NODE, '<item id="current"><x xmlns="urn:x"/></item>')))
  expect(bare((await done(juliet, from))!)).toBe('<vCard><FN>Somebody</FN></vCard>')
  await done(romeo, set(`<vCard xmlns="${TEMP}"/>`))
})

scenario('XEP-0292 § 10: a vCard is kept where there is no room for another node', async ({ server }) => {
  const config = { modules: { pep: { nodes: 1 } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')
  await done(romeo, set(publish('urn:x', '<item id="a"><x xmlns="urn:x"/></item>')))
  await done(romeo, set(`<vCard xmlns="${TEMP}"><FN>Romeo</FN></vCard>`))
  expect(bare((await done(romeo, ask))!)).toBe('<vCard><FN>Romeo</FN></vCard>')
})
