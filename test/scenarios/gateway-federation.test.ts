import { expect } from '@jest/globals'
import type { Stage } from '@parley/testkit'
import { p, scenario } from '@parley/testkit'
import { fails, networks } from './gateway-puppet.ts'

const ROSTER = 'jabber:iq:roster'
const PHONES = { provider: 'phones', owner: 'phones.a.test' } as const
const romeoThere = { user: 'romeo@a.test' } as const

async function phones(stage: Stage) {
  const staged = await networks(stage)
  await staged.types('provider add', { id: 'phones', adapter: 'phones' })
  await staged.types('provider enable', { id: 'phones' })
  return staged
}

scenario('a network without logins: everybody here may write to everybody there', async stage => {
  const { server, engine } = await phones(stage)
  const [romeo, nurse] = await server.join('romeo/orchard', 'nurse/kitchen')
  await romeo.sends`<message type="chat" id="m1" to="juliet\\40capulet.test@phones.a.test"><body>Hello</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('send')).toEqual([
    ['send', { to: { peer: 'juliet@capulet.test' }, text: 'Hello', receipt: false, ...romeoThere }],
  ])
  const answer = { type: 'message', peer: 'juliet@capulet.test', origin: 'remote', text: 'Who?', id: 'n1' } as const
  await engine.happens(PHONES, { ...answer, ...romeoThere })
  await romeo.receives`<message type="chat" from="juliet\\40capulet.test@phones.a.test" to="romeo@a.test"><body>Who?</body></message>`
  // Whom nobody here has written to, or has as a contact, reaches nobody.
  await engine.happens(PHONES, { ...answer, user: 'nurse@a.test', id: 'n2' }, { ...answer, user: 'x@b.test', id: 'n3' })
  await engine.happens(PHONES, { ...answer, id: 'n4' })
  await nurse.receivesNothing()
})

scenario('a network without logins: a subscription lasts, whatever becomes of the session', async stage => {
  const { server, engine } = await phones(stage)
  const [romeo] = await server.join('romeo/orchard')
  await romeo.sends`<presence type="subscribe" to="juliet@phones.a.test"/>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" ask="subscribe"/></query></iq>`
  await romeo.fence()
  expect(engine.took('addContact')).toEqual([['addContact', 'juliet', { groups: [] }, romeoThere]])
  const contact = { id: 'juliet', subscription: 'to' } as const
  await engine.happens(
    PHONES,
    { type: 'contact', contact, ...romeoThere },
    { type: 'presence', id: 'juliet', presence: { show: 'available' }, ...romeoThere },
  )
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="to"/></query></iq>`,
    p`<presence from="juliet@phones.a.test"/>`,
  )
  engine.set(PHONES, 'waiting')
  engine.set(PHONES, 'online')
  await romeo.receivesNothing()
})

scenario(
  'a network without logins: how a user is, is told with the first contact, or the first who may see it',
  async stage => {
    const { server, engine } = await phones(stage)
    const [romeo, nurse] = await server.join('romeo/orchard', 'nurse/kitchen')
    await romeo.sends`<presence><show>dnd</show></presence>`
    await romeo.settles()
    await romeo.sends`<presence type="subscribe" to="juliet@phones.a.test"/>`
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" ask="subscribe"/></query></iq>`
    await romeo.fence()
    expect(engine.took('setPresence', 'addContact')).toEqual([
      ['setPresence', { show: 'dnd' }, romeoThere],
      ['addContact', 'juliet', { groups: [] }, romeoThere],
    ])
    // Who has not asked before is a stranger, unless the user has written to them.
    await nurse.sends`<message type="chat" to="peter@phones.a.test"><body>Anon</body></message>`
    await nurse.fence()
    await engine.happens(PHONES, { type: 'request', id: 'peter', user: 'nurse@a.test' })
    await nurse.receives`<presence type="subscribe" from="peter@phones.a.test"/>`
    await nurse.sends`<presence type="subscribed" to="peter@phones.a.test"/>`
    await nurse.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="peter@phones.a.test" subscription="from"/></query></iq>`
    await nurse.fence()
    const nurseThere = { user: 'nurse@a.test' }
    expect(engine.took('setPresence', 'answer')).toEqual([
      ['setPresence', { show: 'available' }, nurseThere],
      ['answer', 'peter', true, nurseThere],
    ])
  },
)

scenario('a network without lists and presence: whom a user adds is a contact, and nobody is told', async stage => {
  const { server, engine, types } = await networks(stage)
  await types('provider add', { id: 'letters', adapter: 'letters' })
  await types('provider enable', { id: 'letters' })
  // An adapter need not have what its network cannot do.
  engine.answers = name => fails('unsupported', `The network cannot ${name}`)
  const [romeo] = await server.join('romeo/orchard')
  await romeo.sends`<presence type="subscribe" to="juliet@letters.a.test"/>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@letters.a.test" ask="subscribe"/></query></iq>`
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@letters.a.test" subscription="to"/></query></iq>`,
    p`<presence type="subscribed" from="juliet@letters.a.test"/>`,
  )
  expect(engine.took('addContact')).toEqual([])
})

scenario(
  'a network without logins: the presence of who has contacts there is told, and that of others is not',
  async stage => {
    const { server, engine } = await phones(stage)
    const [romeo, nurse] = await server.join('romeo/orchard', 'nurse/kitchen')
    await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test"/></query></iq>`
    await romeo.settles()
    for (const client of [romeo, nurse]) await client.sends`<presence><show>away</show></presence>`
    await romeo.settles()
    await nurse.settles()
    await stage.after('3s')
    await romeo.fence()
    expect(engine.took('setPresence')).toEqual([['setPresence', { show: 'away' }, romeoThere]])
    await romeo.leaves()
    await stage.after('3s')
    await stage.after('60s')
    await nurse.fence()
    expect(engine.took('setPresence')).toEqual([['setPresence', { show: 'unavailable' }, romeoThere]])
  },
)

scenario(
  'a network without logins: presence that is not shared any more is told to that contact alone',
  async stage => {
    const { server, engine } = await phones(stage)
    const [romeo] = await server.join('romeo/orchard')
    const contact = { id: 'juliet', subscription: 'both' } as const
    await engine.happens(PHONES, { type: 'contact', contact, ...romeoThere })
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="both"/></query></iq>`
    await romeo.sends`<presence type="unsubscribed" to="juliet@phones.a.test"/>`
    await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="to"/></query></iq>`
    await romeo.fence()
    expect(engine.took('sendPresence', 'removeContact')).toEqual([
      ['sendPresence', 'juliet', { show: 'unavailable' }, romeoThere],
    ])
  },
)

scenario('a network without logins: who is not to be seen any more is left, and stays in the list', async stage => {
  const { server, engine } = await phones(stage)
  const [romeo] = await server.join('romeo/orchard')
  const contact = { id: 'juliet', subscription: 'both' } as const
  await engine.happens(PHONES, { type: 'contact', contact, ...romeoThere })
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="both"/></query></iq>`
  await romeo.sends`<presence type="unsubscribe" to="juliet@phones.a.test"/>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="from"/></query></iq>`
  await romeo.receives`<presence type="unavailable" from="juliet@phones.a.test"/>`
  expect(engine.took('leaveContact', 'sendPresence', 'removeContact')).toEqual([['leaveContact', 'juliet', romeoThere]])
  // Juliet lets it again: that is news, though it was so before.
  await romeo.sends`<presence type="subscribe" to="juliet@phones.a.test"/>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="from" ask="subscribe"/></query></iq>`
  await romeo.fence()
  await engine.happens(PHONES, { type: 'contact', contact, ...romeoThere })
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="both"/></query></iq>`
})

scenario('a network without logins: who was removed and is asked for again is not removed again', async stage => {
  const { server, engine } = await phones(stage)
  const [romeo] = await server.join('romeo/orchard')
  const contact = { id: 'juliet', subscription: 'to' } as const
  await engine.happens(PHONES, { type: 'contact', contact, ...romeoThere })
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="to"/></query></iq>`
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="remove"/></query></iq>`
  await romeo.settles()
  await romeo.sends`<presence type="subscribe" to="juliet@phones.a.test"/>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" ask="subscribe"/></query></iq>`
  await romeo.fence()
  expect(engine.took('removeContact')).toEqual([['removeContact', 'juliet', romeoThere]])
  await engine.happens(PHONES, { type: 'contact', contact, ...romeoThere })
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="to"/></query></iq>`
  await romeo.fence()
  expect(engine.took('removeContact')).toEqual([])
})

scenario(
  'XEP-0100 § 4.1: who loses the seat of a network without logins is gone there, and sees nobody there',
  async stage => {
    const { server, engine, types } = await networks(stage)
    await types('provider add', { id: 'phones', adapter: 'phones', seats: 'on' })
    await types('provider enable', { id: 'phones' })
    const [romeo] = await server.join('romeo/orchard')
    await types('seat assign', { provider: 'phones', accounts: ['romeo'] })
    const contact = { id: 'juliet', subscription: 'both' } as const
    await engine.happens(
      PHONES,
      { type: 'contact', contact, ...romeoThere },
      { type: 'presence', id: 'juliet', presence: { show: 'available' }, ...romeoThere },
    )
    await romeo.receivesUnordered(
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@phones.a.test" subscription="both"/></query></iq>`,
      p`<presence from="juliet@phones.a.test"/>`,
    )
    await romeo.sends`<presence><show>away</show></presence>`
    await romeo.settles()
    await stage.after('3s')
    await romeo.fence()
    expect(engine.took('setPresence')).toEqual([['setPresence', { show: 'away' }, romeoThere]])
    await types('seat revoke', { provider: 'phones', accounts: ['romeo'] })
    await romeo.receives`<presence type="unavailable" from="juliet@phones.a.test"/>`
    expect(engine.took('setPresence')).toEqual([['setPresence', { show: 'unavailable' }, romeoThere]])
    await engine.happens(PHONES, { type: 'presence', id: 'juliet', presence: { show: 'chat' }, ...romeoThere })
    await romeo.receivesNothing()
  },
)
