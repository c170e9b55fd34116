import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { ADMIN, enters, makes, ROOM, USER } from './room.ts'

const VCARD = 'vcard-temp'
const PICTURE = Buffer.from('a cauldron')
const OTHER = Buffer.from('three witches')
const photo = (bytes: Buffer) => `<PHOTO><TYPE>image/png</TYPE><BINVAL>${bytes.toString('base64')}</BINVAL></PHOTO>`
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

async function hashes(actor: Actor): Promise<string[] | undefined> {
  const info = await actor.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(VCARD)
  const fields = info.child('x', 'jabber:x:data')?.childrenNamed('field')
  const field = fields?.find(({ attrs }) => attrs['var'] === 'muc#roominfo_avatarhash')
  return field?.childrenNamed('value').map(value => value.text())
}

const sets = (actor: Actor, content: string) =>
  actor.asksRaw(`<iq type="set" to="${ROOM}"><vCard xmlns="${VCARD}">${content}</vCard></iq>`)

scenario('XEP-0486 § 3.2: an owner gives the room an avatar, and all who are here hear of it', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  expect(await hashes(nurse)).toBeUndefined()
  await sets(romeo, photo(PICTURE))
  for (const actor of [romeo, juliet])
    await actor.receives`<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="104"/></x></message>`
  // § 3.3: whoever is not here learns it too.
  expect(await hashes(nurse)).toEqual([sha1(PICTURE)])
  const card = await nurse.asks`<iq type="get" to="${ROOM}"><vCard xmlns="${VCARD}"/></iq>`
  expect(card.child('PHOTO', VCARD)?.textOf('BINVAL', VCARD)).toBe(PICTURE.toString('base64'))

  // § 5.1: several formats.
  await sets(romeo, photo(PICTURE) + photo(OTHER))
  expect(await hashes(juliet)).toEqual([sha1(PICTURE), sha1(OTHER)])
  for (const actor of [romeo, juliet])
    await actor.receives`<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="104"/></x></message>`
  // The same once more is no news; an empty card is the end of it.
  await sets(romeo, photo(PICTURE) + photo(OTHER))
  await romeo.receivesNothing()
  await sets(romeo, '')
  expect(await hashes(juliet)).toBeUndefined()
  await refused(
    juliet.asks`<iq type="get" to="${ROOM}"><vCard xmlns="${VCARD}"/></iq>`,
    'item-not-found',
    'The room has no vCard',
  )
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0486 § 6: nobody else does, and not a picture of any size', async ({ server }) => {
  const config = { modules: { muc: { card: 1000 } } }
  const [romeo, juliet] = await (await server('a.test', { config })).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${juliet.bare}" affiliation="admin"/></query></iq>`
  await romeo.settles()
  await refused(
    juliet.asks`<iq type="set" to="${ROOM}"><vCard xmlns="${VCARD}"/></iq>`,
    'forbidden',
    'Only owners set the vCard of a room',
  )
  await refused(
    romeo.asks`<iq type="set" to="${ROOM}"><vCard xmlns="${VCARD}"><NOTE>${'x'.repeat(1000)}</NOTE></vCard></iq>`,
    'not-acceptable',
    'The vCard is too large for a room',
  )
  // What is no picture has no hash.
  await sets(romeo, '<PHOTO><TYPE>text/html</TYPE><BINVAL>PGI+</BINVAL></PHOTO>')
  expect(await hashes(juliet)).toBeUndefined()
  await romeo.receivesNothing()
})

scenario(
  'XEP-0486 § 3.2: an admin of the service does too; a room that goes takes its avatar along',
  async ({ server }) => {
    const stage = await server('a.test', { config: { admins: ['nurse@a.test'] } })
    const [romeo, nurse] = await stage.connect('romeo/orchard', 'nurse/x')
    await makes(romeo, 'romeo')
    expect((await sets(nurse, photo(PICTURE))).attrs['type']).toBe('result')
    expect(await hashes(nurse)).toEqual([sha1(PICTURE)])
    await romeo.sends`<presence type="unavailable" to="${ROOM}/romeo"/>`
    await romeo.settles()
    await makes(romeo, 'romeo')
    expect(await hashes(nurse)).toBeUndefined()
  },
)
