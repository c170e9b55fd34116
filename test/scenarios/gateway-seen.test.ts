import { p, scenario } from '@parley/testkit'
import { puppets } from './gateway-puppet.ts'

const ROSTER = 'jabber:iq:roster'

scenario(
  'XEP-0100 § 4.6: how a contact is, is shown as soon as the user sees them, though it was told before',
  async stage => {
    const { server, engine, types, registers } = await puppets(stage)
    await types('provider add', { id: 'plain', adapter: 'plain' })
    await types('provider enable', { id: 'plain' })
    const [romeo] = await server.join('romeo/orchard')
    const key = await registers(romeo)
    const presence = { type: 'presence', id: 'juliet', presence: { show: 'dnd' } } as const

    // A network that asks, and says how she is before it says that she has agreed.
    await romeo.sends`<presence type="subscribe" to="juliet@puppets.a.test"/>`
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" ask="subscribe"/></query></iq>`
    await romeo.fence()
    await engine.happens(key, presence)
    await romeo.receivesNothing()
    await engine.happens(key, { type: 'contact', contact: { id: 'juliet', subscription: 'to' } })
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" subscription="to"/></query></iq>`
    await romeo.receives`<presence from="juliet@puppets.a.test"><show>dnd</show></presence>`
    await engine.happens(key, { type: 'contact', contact: { id: 'juliet', subscription: 'both' } })
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@puppets.a.test" subscription="both"/></query></iq>`
    await romeo.receivesNothing()

    // One that asks nobody, and says it while the contact is added.
    const plain = await registers(romeo, 'plain')
    engine.answers = name => (name === 'addContact' ? engine.happens(plain, presence) : undefined)
    await romeo.sends`<presence type="subscribe" to="juliet@plain.a.test"/>`
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@plain.a.test" ask="subscribe"/></query></iq>`
    await romeo.receivesUnordered(
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@plain.a.test" subscription="to"/></query></iq>`,
      p`<presence type="subscribed" from="juliet@plain.a.test"/>`,
      p`<presence from="juliet@plain.a.test"><show>dnd</show></presence>`,
    )
    await romeo.receivesNothing()
  },
)
