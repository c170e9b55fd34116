import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { done, EVENT, form, get, ids, listen, OWNER, PUBSUB, publish, refusal, set } from './pep-client.ts'

const OMEMO = 'eu.siacs.conversations.axolotl'
const DEVICES = `${OMEMO}.devicelist`
const BUNDLE = `${OMEMO}.bundles:31415`
const OPEN = { persist_items: 'true', access_model: 'open' }
const devices = (...numbers: number[]) =>
  `<item id="current"><list xmlns="${OMEMO}">${numbers.map(id => `<device id="${id}"/>`).join('')}</list></item>`
const bundle = `<item id="current"><bundle xmlns="${OMEMO}"><identityKey>AAAA</identityKey></bundle></item>`
const KEYS = 'urn:example:keys'
const key = (text: string) => `<item id="current"><key xmlns="urn:example:key">${text}</key></item>`
const items = (node: string, more = '') => `<pubsub xmlns="${PUBSUB}"><items node="${node}"${more}/></pubsub>`

scenario(
  'XEP-0222 § 3: public data is open from its first publish, for strangers too',
  async ({ server, befriend }) => {
    const [juliet, phone, romeo, stranger] = await (await server('a.test')).join(
      'juliet/balcony',
      'juliet/phone',
      'romeo/orchard',
      'stranger/road',
    )
    await befriend(juliet, romeo)
    await listen([phone, romeo, stranger], DEVICES)
    for (const actor of [juliet, phone, romeo]) await actor.settles()

    await done(juliet, set(publish(DEVICES, devices(31415), OPEN)))
    await done(juliet, set(publish(BUNDLE, bundle, OPEN)))
    for (const actor of [phone, romeo])
      await actor.receives`<message from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${DEVICES}"><item id="current"><list xmlns="${OMEMO}"><device id="31415"/></list></item></items></event></message>`
    await stranger.receivesNothing()
    for (const [node, more] of [
      [DEVICES, ''],
      [BUNDLE, ''],
      [BUNDLE, ' max_items="1"'],
    ] as const) {
      const answer = await done(stranger, get(items(node, more), juliet.bare.text))
      expect(answer?.child('items')?.child('item')?.firstElement()?.ns).toBe(OMEMO)
    }
    // The same request again, as at each login.
    await done(juliet, set(publish(DEVICES, devices(31415, 27182), OPEN)))
    for (const actor of [phone, romeo]) await actor.settles()
  },
)

scenario('XEP-0222 § 3: a node that was made otherwise is put right by its owner', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  await done(juliet, set(publish(KEYS, key('one'))))
  expect(await refusal(stranger, get(items(KEYS), juliet.bare.text))).toContain('presence-subscription-required')

  const wanted = set(publish(KEYS, key('two'), OPEN))
  expect(await refusal(juliet, wanted)).toBe('conflict precondition-not-met')
  const asked = await done(juliet, get(`<pubsub xmlns="${OWNER}"><configure node="${KEYS}"/></pubsub>`))
  const fields = asked?.child('configure')?.child('x', 'jabber:x:data')?.childrenNamed('field')
  expect(fields?.map(({ attrs }) => attrs['var'])).toContain('pubsub#access_model')
  const changed = form('node_config', OPEN)
  await done(juliet, set(`<pubsub xmlns="${OWNER}"><configure node="${KEYS}">${changed}</configure></pubsub>`))
  await done(juliet, wanted)
  expect(await ids(stranger, get(items(KEYS), juliet.bare.text))).toEqual(['current'])
})
