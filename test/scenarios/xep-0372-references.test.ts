import { scenario } from '@parley/testkit'
import { isKept, isKeptInRoom } from './conversation.ts'

const REFERENCE = 'urn:xmpp:reference:0'
const later = `<reference xmlns="${REFERENCE}" type="data" anchor="xmpp:juliet@a.test" begin="0" end="4" uri="https://a.test/x"/>`

scenario('XEP-0372 § 3.2: a line that refers to something is kept with what it refers to', async ({ server }) => {
  await isKept(
    await server('a.test'),
    `<body>soft</body><reference xmlns="${REFERENCE}" type="mention" begin="0" end="4" uri="xmpp:nurse@a.test"/>`,
  )
})

scenario('XEP-0372 § 3.4: a reference from what was said before has no body, and is kept', async ({ server }) => {
  await isKept(await server('a.test'), later)
})

scenario('XEP-0372 § 3.4: a room keeps it, too', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), later)
})
