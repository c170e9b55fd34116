import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { done, get, set } from './pep-client.ts'
import { enters, MUC, makes, ROOM } from './room.ts'

const UPDATE = 'vcard-temp:x:update'
const photo = (text: string) =>
  `<vCard xmlns="vcard-temp"><PHOTO><TYPE>image/png</TYPE><BINVAL>${Buffer.from(text).toString('base64')}</BINVAL></PHOTO></vCard>`
const hash = (text: string) => createHash('sha1').update(text).digest('hex')

scenario(
  'XEP-0153 § 4.1: who has a photo in the vCard has its hash in presence, whatever the client says',
  async ({ server, befriend }) => {
    const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
    await befriend(juliet, romeo)
    for (const picture of ['one', 'another']) {
      await done(juliet, set(photo(picture)))
      for (const x of ['', `<x xmlns="${UPDATE}"/>`, `<x xmlns="${UPDATE}"><photo>${hash('forged')}</photo></x>`]) {
        await juliet.sendsRaw(`<presence>${x}</presence>`)
        await romeo.receives`<presence from="${juliet}"><x xmlns="${UPDATE}"><photo>${hash(picture)}</photo></x></presence>`
      }
    }
    // § 3.2: and everybody fetches what belongs to it.
    const card = await done(romeo, get('<vCard xmlns="vcard-temp"/>', 'juliet@a.test'))
    expect(card?.child('PHOTO')?.textOf('BINVAL')).toBe(Buffer.from('another').toString('base64'))
    await juliet.settles()
  },
)

scenario('XEP-0153 § 4.1: who comes into a room shows the photo there', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await done(juliet, set(photo('one')))
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.receives`<presence from="${ROOM}/juliet"><x xmlns="${UPDATE}"><photo>${hash('one')}</photo></x><x xmlns="${MUC}#user"/></presence>`
})

scenario('XEP-0153 § 4.1: a client that wants no photo shown has none shown', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await done(juliet, set(photo('one')))
  await juliet.sends`<presence><x xmlns="${UPDATE}"><photo/></x></presence>`
  const shown = await romeo.client.next('the presence')
  expect(shown.childrenNamed('x', UPDATE).map(x => x.textOf('photo'))).toEqual([''])
  await juliet.settles()
})

scenario(
  'XEP-0153 § 4.6: what is no picture makes no hash, and one that is too large is refused',
  async ({ server, befriend }) => {
    const config = { modules: { vcard: { bytes: 1000 } } }
    const [juliet, romeo] = await (await server('a.test', { config })).join('juliet/balcony', 'romeo/orchard')
    await befriend(juliet, romeo)
    await done(juliet, set('<vCard xmlns="vcard-temp"><PHOTO><TYPE>image/png</TYPE><BINVAL>!</BINVAL></PHOTO></vCard>'))
    const answer = await juliet.asksRaw(set(photo('x'.repeat(1000))))
    expect(String(answer)).toContain('The vCard is too large')
    await juliet.sends`<presence/>`
    const shown = await romeo.client.next('the presence')
    expect(shown.child('x', UPDATE)).toBeUndefined()
    await juliet.settles()
  },
)
