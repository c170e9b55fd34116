import { createHash } from 'node:crypto'
import { befriend, type Play } from './cast.ts'
import { result, same } from './result.ts'

const TUNE = 'http://jabber.org/protocol/tune'
const DATA = 'urn:xmpp:avatar:data'
const METADATA = 'urn:xmpp:avatar:metadata'
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const EVENT = `${PUBSUB}#event`
/** The smallest picture: one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const PICTURE = Buffer.from(PIXEL, 'base64')
const HASH = createHash('sha1').update(PICTURE).digest('hex')

export const tunes: Play = {
  name: 'pep',
  here: 'publishing',
  there: 'interests',
  title: 'a tune reaches a contact who wants tunes (XEP-0163, XEP-0118)',
  interests: [TUNE],
  async act({ romeo, juliet }) {
    await befriend({ romeo, juliet })
    // ejabberd looks at capabilities of subscribers only: she shows hers again, now that she is one.
    await juliet.appears()
    await juliet.isAskedBy(romeo.domain)
    result(
      await romeo.asks`<iq type="set"><pubsub xmlns="${PUBSUB}"><publish node="${TUNE}"><item id="current"><tune xmlns="${TUNE}"><title>Heart’s ease</title></tune></item></publish></pubsub></iq>`,
    )
    await juliet.hears`<message from="${romeo.bare}"><event xmlns="${EVENT}"><items node="${TUNE}"><item><tune xmlns="${TUNE}"><title>Heart’s ease</title></tune></item></items></event></message>`
  },
}

export const avatars: Play = {
  name: 'pep',
  here: 'publishing',
  there: 'interests',
  title: 'a new picture is told to a contact, who fetches it (XEP-0084)',
  interests: [METADATA],
  async act({ romeo, juliet }) {
    await befriend({ romeo, juliet })
    // ejabberd looks at capabilities of subscribers only: she shows hers again, now that she is one.
    await juliet.appears()
    await juliet.isAskedBy(romeo.domain)
    result(
      await romeo.asks`<iq type="set"><pubsub xmlns="${PUBSUB}"><publish node="${DATA}"><item id="${HASH}"><data xmlns="${DATA}">${PIXEL}</data></item></publish></pubsub></iq>`,
    )
    result(
      await romeo.asks`<iq type="set"><pubsub xmlns="${PUBSUB}"><publish node="${METADATA}"><item id="${HASH}"><metadata xmlns="${METADATA}"><info bytes="${PICTURE.length}" id="${HASH}" type="image/png"/></metadata></item></publish></pubsub></iq>`,
    )
    await juliet.hears`<message from="${romeo.bare}"><event xmlns="${EVENT}"><items node="${METADATA}"><item id="${HASH}"><metadata xmlns="${METADATA}"><info id="${HASH}"/></metadata></item></items></event></message>`
    const fetched = result(
      await juliet.asks`<iq type="get" to="${romeo.bare}"><pubsub xmlns="${PUBSUB}"><items node="${DATA}"><item id="${HASH}"/></items></pubsub></iq>`,
    )
    const item = fetched?.child('items', PUBSUB)?.child('item', PUBSUB)
    same(item?.child('data', DATA)?.text(), PIXEL)
  },
}
