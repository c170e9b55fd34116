import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { done, EVENT, get, ids, listen, PUBSUB, publish, refusal, set, wants } from './pep-client.ts'

const BOOKMARKS = 'urn:xmpp:bookmarks:1'
const PRIVATE = {
  persist_items: 'true',
  max_items: 'max',
  send_last_published_item: 'never',
  access_model: 'whitelist',
  notify_delete: 'true',
  notify_retract: 'true',
}
const room = (jid: string) =>
  `<item id="${jid}"><conference xmlns="${BOOKMARKS}" name="${jid}" autojoin="true"/></item>`
const items = `<pubsub xmlns="${PUBSUB}"><items node="${BOOKMARKS}"/></pubsub>`

scenario('XEP-0223 § 3: private data is for the own clients alone', async ({ server, befriend }) => {
  const [romeo, phone, juliet] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
  await befriend(romeo, juliet)
  await listen([phone, juliet], BOOKMARKS)
  for (const actor of [romeo, phone]) await actor.settles()

  await done(romeo, set(publish(BOOKMARKS, room('play@rooms.test'), PRIVATE)))
  await phone.receives`<message from="${romeo.bare}" to="${phone}"><event xmlns="${EVENT}"><items node="${BOOKMARKS}"><item id="play@rooms.test"/></items></event></message>`
  await done(romeo, set(publish(BOOKMARKS, room('work@rooms.test'), PRIVATE)))
  await phone.settles()
  expect(await ids(phone, get(items))).toEqual(['work@rooms.test', 'play@rooms.test'])

  await juliet.receivesNothing()
  expect(await refusal(juliet, get(items, romeo.bare.text))).toBe('not-allowed closed-node')

  await done(
    phone,
    set(
      `<pubsub xmlns="${PUBSUB}"><retract node="${BOOKMARKS}" notify="true"><item id="play@rooms.test"/></retract></pubsub>`,
    ),
  )
  await phone.receives`<message><event xmlns="${EVENT}"><items node="${BOOKMARKS}"><retract id="play@rooms.test"/></items></event></message>`
  await juliet.receivesNothing()
})

scenario('XEP-0223 § 3: what is never to be sent by itself is not sent at login', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await done(romeo, set(publish(BOOKMARKS, room('play@rooms.test'), PRIVATE)))
  await done(romeo, set(publish('urn:other', '<item id="o"><x xmlns="urn:x"/></item>')))
  await wants(romeo, BOOKMARKS, 'urn:other')
  // What comes is the other, so all that was to come has come.
  await romeo.receives`<message><event xmlns="${EVENT}"><items node="urn:other"/></event></message>`
  await romeo.client.server.finished()
  await romeo.receivesNothing()
})
