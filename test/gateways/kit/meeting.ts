import type { Peer, Person } from './peer.ts'
import { by, eventually, type Rig } from './rig.ts'

/** The user, who has no list there, and somebody come to see each other: both ask and agree, where the network has questions. */
export async function meet(rig: Rig, peer: Peer, person: Person): Promise<void> {
  const { id, user } = rig.login
  await peer.contacts!(rig.login, [person.id])
  if (rig.can('presence', 'in')) await rig.do('addContact', person.id, {}, by())
  if (rig.can('authorization', 'out')) {
    await eventually(`${user} asks`, () => person.told.find(event => event.type === 'request' && event.id === id))
    await person.answers(id, true)
    await eventually(`${person.id} agrees`, () =>
      rig.of('contact').find(({ contact }) => contact.id === person.id && contact.subscription === 'to'),
    )
  }
  if (rig.can('authorization', 'in')) {
    await person.adds(id)
    await eventually(`${person.id} asks`, () => rig.of('request').find(event => event.id === person.id))
    await rig.do('answer', person.id, true, by())
    await eventually(`${user} agrees`, () => person.told.find(event => event.type === 'presence' && event.id === id))
  }
}
