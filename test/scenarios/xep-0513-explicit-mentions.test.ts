import { type Actor, scenario } from '@parley/testkit'
import { ADMIN, enters, makes, ROOM } from './room.ts'

const EXPLICIT = 'urn:xmpp:mentions:0'

async function says(actor: Actor, body: string, more: string): Promise<void> {
  await actor.sendsRaw(`<message type="groupchat" to="${ROOM}"><body>${body}</body>${more}</message>`)
  await actor.receives`<message type="groupchat" from="${ROOM}/romeo"><body>${body}</body></message>`
}

scenario('XEP-0513 § 3.1: a member is mentioned by occupant id, or by address', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.fence()
  const id = romeo.unexpected
    .flatMap(presence => presence.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'] ?? [])
    .at(-1)
  await juliet.sends`<presence to="${ROOM}/juliet" type="unavailable"/>`
  await juliet.settles()
  await romeo.settles()
  for (const who of [`occupantid="${id}"`, `jid="${juliet.bare}"`]) {
    await says(romeo, 'Hello', `<mention xmlns="${EXPLICIT}" begin="0" end="5" ${who}/>`)
    await juliet.receives`<message from="${ROOM}"><mentions xmlns="urn:xmpp:mmn:0"/></message>`
  }
})

scenario('XEP-0513 § 3.5: who shall not be disturbed is not, and groups are those who are here', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await romeo.settles()
  await says(romeo, 'a', `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}"><noping/></mention>`)
  await says(romeo, 'b', `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}"><active/></mention>`)
  for (const group of ['channel', 'member', 'server']) {
    await says(romeo, group, `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}" mentions="${EXPLICIT}#${group}"/>`)
  }
  await says(romeo, 'c', `<mention xmlns="${EXPLICIT}" occupantid="made up"/>`)
  await juliet.receivesNothing()
})
