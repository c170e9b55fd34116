import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import { any, scenario } from '@parley/testkit'
import { done, EVENT, get, listen, PUBSUB, publish, set, wants } from './pep-client.ts'

const DATA = 'urn:xmpp:avatar:data'
const METADATA = 'urn:xmpp:avatar:metadata'
const IMAGE = Buffer.alloc(20_000, 'image')
const ID = createHash('sha1').update(IMAGE).digest('hex')
const data = `<item id="${ID}"><data xmlns="${DATA}">${IMAGE.toString('base64')}</data></item>`
const metadata = `<item id="${ID}"><metadata xmlns="${METADATA}"><info bytes="${IMAGE.length}" id="${ID}" height="64" width="64" type="image/png"/></metadata></item>`

scenario(
  'XEP-0084 § 4: an avatar is published, told to contacts, fetched, and taken away',
  async ({ server, befriend }) => {
    const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
    await befriend(juliet, romeo)
    await listen([romeo], METADATA)

    await done(juliet, set(publish(DATA, data)))
    await done(juliet, set(publish(METADATA, metadata)))
    await romeo.receives`<message from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${METADATA}"><item id="${ID}"><metadata xmlns="${METADATA}"><info id="${ID}"/></metadata></item></items></event></message>`
    const one = `<pubsub xmlns="${PUBSUB}"><items node="${DATA}"><item id="${ID}"/></items></pubsub>`
    const fetched = await done(romeo, get(one, juliet.bare.text))
    expect(fetched?.child('items')?.child('item')?.child('data', DATA)?.text()).toBe(IMAGE.toString('base64'))

    await done(juliet, set(publish(METADATA, `<item id="${ID}"><metadata xmlns="${METADATA}"/></item>`)))
    await romeo.receives`<message><event xmlns="${EVENT}"><items node="${METADATA}"><item id="${ID}"><metadata xmlns="${METADATA}"/></item></items></event></message>`
    await juliet.settles()
  },
)

scenario('XEP-0084 § 4.2: who comes later learns of the avatar too', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await done(juliet, set(publish(METADATA, metadata)))
  await wants(romeo, METADATA)
  await romeo.receives`<message from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${METADATA}"><item id="${ID}"><metadata xmlns="${METADATA}"><info type="${any}"/></metadata></item></items></event></message>`
  await juliet.settles()
})
