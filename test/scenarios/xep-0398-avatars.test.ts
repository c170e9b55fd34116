import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import { type Actor, p, scenario } from '@parley/testkit'
import { done, EVENT, get, ids, listen, OWNER, PUBSUB, publish, refusal, set } from './pep-client.ts'

const DATA = 'urn:xmpp:avatar:data'
const METADATA = 'urn:xmpp:avatar:metadata'
const UPDATE = 'vcard-temp:x:update'
const IMAGE = Buffer.from('an image').toString('base64')
const ID = hash('an image')
const OPEN = { access_model: 'open' }
const data = `<item id="${ID}"><data xmlns="${DATA}">${IMAGE}</data></item>`
const metadata = (inside = `<info bytes="8" id="${ID}" type="image/png"/>`) =>
  `<item id="${ID}"><metadata xmlns="${METADATA}">${inside}</metadata></item>`
const photo = (text: string) =>
  `<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>\n${Buffer.from(text).toString('base64')}\n</BINVAL></PHOTO>`

function hash(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

/** The photo that somebody sees in somebody's card. */
async function seen(asker: Actor, owner: Actor): Promise<string | undefined> {
  const card = await done(asker, get('<vCard xmlns="vcard-temp"/>', owner.bare.text))
  return card?.child('PHOTO')?.textOf('BINVAL')
}

scenario(
  'XEP-0398 § 3.1: what is published as an avatar is in the vCard, for those who may read it',
  async ({ server, befriend }) => {
    const [juliet, romeo, stranger] = await (await server('a.test')).join(
      'juliet/balcony',
      'romeo/orchard',
      'stranger/road',
    )
    await befriend(juliet, romeo)
    await done(juliet, set('<vCard xmlns="vcard-temp"><FN>Juliet</FN></vCard>'))
    await done(juliet, set(publish(DATA, data)))
    await done(juliet, set(publish(METADATA, metadata('<info id="1" type="image/png" url="http://x"/>'))))
    expect(await seen(romeo, juliet)).toBeUndefined()
    await done(juliet, set(publish(METADATA, metadata())))
    expect(await seen(romeo, juliet)).toBe(IMAGE)
    expect(await seen(stranger, juliet)).toBeUndefined()
    const card = await done(romeo, get('<vCard xmlns="vcard-temp"/>', juliet.bare.text))
    expect(card?.textOf('FN')).toBe('Juliet')

    await done(juliet, set(publish(METADATA, metadata(''))))
    expect(await seen(romeo, juliet)).toBeUndefined()
    await juliet.settles()
  },
)

scenario(
  'XEP-0398 § 3.1: an open avatar is for everybody, with a vCard or without; a wrong hash is none',
  async ({ server }) => {
    const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
    await done(juliet, set(publish(DATA, data, OPEN)))
    await done(juliet, set(publish(METADATA, metadata(), OPEN)))
    expect(await seen(stranger, juliet)).toBe(IMAGE)
    await done(juliet, set(publish(DATA, `<item id="${ID}"><data xmlns="${DATA}">AAAA</data></item>`, OPEN)))
    expect(await refusal(stranger, get('<vCard xmlns="vcard-temp"/>', juliet.bare.text))).toBe('service-unavailable')
  },
)

scenario('XEP-0398 § 3.2: the photo of a vCard becomes an avatar', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await listen([romeo], METADATA)
  const other = hash('a photo')
  const card = set(`<vCard xmlns="vcard-temp">${photo('a photo')}</vCard>`)
  await done(juliet, card)
  await romeo.receives`<message from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${METADATA}"><item id="${other}"><metadata xmlns="${METADATA}"><info id="${other}" type="image/jpeg" bytes="7"/></metadata></item></items></event></message>`
  const fetch = get(
    `<pubsub xmlns="${PUBSUB}"><items node="${DATA}"><item id="${other}"/></items></pubsub>`,
    juliet.bare.text,
  )
  expect(await ids(romeo, fetch)).toEqual([other])
  // The same photo is no news, and what is no photo is none.
  await done(juliet, card)
  await done(
    juliet,
    set('<vCard xmlns="vcard-temp"><PHOTO><TYPE>image/png</TYPE><BINVAL>&lt;&gt;</BINVAL></PHOTO></vCard>'),
  )
  await done(
    juliet,
    set('<vCard xmlns="vcard-temp"><PHOTO><TYPE>text/html</TYPE><BINVAL>AAAA</BINVAL></PHOTO></vCard>'),
  )
  await done(juliet, set('<vCard xmlns="vcard-temp"><FN>J</FN></vCard>'))
  await romeo.receivesNothing()
  expect(await seen(romeo, juliet)).toBe(Buffer.from('a photo').toString('base64'))
  await juliet.settles()
})

scenario('XEP-0398 § 4: presence tells the hash, unless the client wants none', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await juliet.sends`<presence/>`
  for (const actor of [juliet, romeo]) await actor.settles()
  await done(juliet, set(publish(DATA, data)))
  await done(juliet, set(publish(METADATA, metadata())))

  const told = p`<presence from="${juliet}"><x xmlns="${UPDATE}"><photo>${ID}</photo></x></presence>`
  for (const x of [
    '',
    `<x xmlns="${UPDATE}"/>`,
    `<x xmlns="${UPDATE}"><photo>${hash('old')}</photo></x>`,
    `<x xmlns="${UPDATE}"><photo>${ID}</photo></x>`,
  ]) {
    await juliet.sendsRaw(`<presence><show>away</show>${x}</presence>`)
    for (const actor of [romeo, juliet]) await actor.receivesUnordered(told)
  }
  await juliet.sends`<presence><x xmlns="${UPDATE}"><photo/></x></presence>`
  await juliet.fence()
  for (const actor of [romeo, juliet]) {
    const [presence] = actor.unexpected
    expect(presence?.child('x', UPDATE)?.textOf('photo')).toBe('')
    await actor.settles()
  }
})

scenario(
  'XEP-0398 § 4: directed presence tells only what everybody may see, and what is gone is told no more',
  async ({ server }) => {
    const [juliet, stranger] = await (await server('a.test')).join('juliet/balcony', 'stranger/road')
    const direct = async () => {
      await juliet.sends`<presence to="${stranger}"/>`
      await juliet.fence()
      const found = stranger.unexpected.at(-1)?.child('x', UPDATE)?.textOf('photo')
      await stranger.settles()
      return found
    }
    await done(juliet, set(publish(DATA, data)))
    await done(juliet, set(publish(METADATA, metadata())))
    expect(await direct()).toBeUndefined()
    for (const node of [DATA, METADATA])
      await done(juliet, set(`<pubsub xmlns="${OWNER}"><delete node="${node}"/></pubsub>`))
    await done(juliet, set(publish(DATA, data, OPEN)))
    await done(juliet, set(publish(METADATA, metadata(), OPEN)))
    expect(await direct()).toBe(ID)
    await done(juliet, set(publish(METADATA, metadata(''))))
    expect(await direct()).toBeUndefined()
  },
)

scenario('XEP-0398 § 2: an account says that avatars are converted', async ({ server }) => {
  const [juliet] = await (await server('a.test')).connect('juliet/balcony')
  const info =
    await juliet.asks`<iq type="get" to="${juliet.bare}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(String(info)).toContain('urn:xmpp:pep-vcard-conversion:0')
})
