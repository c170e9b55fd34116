import { scenario } from '@parley/testkit'
import { isKept, isKeptInRoom, passes, passesInRoom } from './conversation.ts'

const STATES = 'http://jabber.org/protocol/chatstates'
const state = (name: string) => `<${name} xmlns="${STATES}"/>`

for (const name of ['active', 'composing', 'paused', 'inactive', 'gone'])
  scenario(`XEP-0085 § 5.8: that somebody is ${name} waits for nobody and is in no archive`, async ({ server }) => {
    await passes(await server('a.test'), `${state(name)}<thread>t</thread>`)
  })

scenario('XEP-0085 § 5.8: a wish to keep nothing of it is heard, too', async ({ server }) => {
  await passes(await server('a.test'), `${state('composing')}<no-store xmlns="urn:xmpp:hints"/>`)
})

scenario('XEP-0085 § 5.5: in a room states are told to those who are here, and not kept', async ({ server }) => {
  await passesInRoom(await server('a.test'), state('composing'))
})

scenario('XEP-0085 § 5.4: a state with something that is said is kept with it', async ({ server }) => {
  await isKept(await server('a.test'), `<body>soft</body>${state('active')}`)
})

scenario('XEP-0085 § 5.5: the same holds in a room', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), `<body>soft</body>${state('active')}`)
})
