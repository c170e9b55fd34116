import { scenario } from '@parley/testkit'
import { isKept, isKeptInRoom, passes } from './conversation.ts'

const file = `<file-sharing xmlns="urn:xmpp:sfs:0" disposition="inline"><file xmlns="urn:xmpp:file:metadata:0"><media-type>image/png</media-type><name>a.png</name></file></file-sharing>`
const sources =
  '<sources xmlns="urn:xmpp:sfs:0" id="a"><url-data xmlns="http://jabber.org/protocol/url-data" target="https://a.test/a.png"/></sources>'
const oob = '<x xmlns="jabber:x:oob"><url>https://a.test/a.png</url></x>'

scenario('XEP-0447 § 3.1: a file is kept without a body', async ({ server }) => {
  await isKept(await server('a.test'), file)
})

scenario('XEP-0447 § 3.3: where it can be fetched may be said later, and is kept', async ({ server }) => {
  await isKept(await server('a.test'), sources, 'normal')
})

scenario('XEP-0447 § 3.1: a room keeps files, too', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), file)
})

scenario('XEP-0447 § 6: a file that shall not be kept is not', async ({ server }) => {
  await passes(await server('a.test'), `${file}<no-store xmlns="urn:xmpp:hints"/>`)
})

scenario('XEP-0066 § 3: an address of a file is kept, with a body or without', async ({ server }) => {
  await isKept(await server('a.test'), `<body>https://a.test/a.png</body>${oob}`)
})

scenario('XEP-0066 § 3: and so it is in a room', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), oob)
})
