import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Presence } from '@parley/stanza'
import { refused, scenario } from '@parley/testkit'

const ROSTER = 'jabber:iq:roster'

scenario('threat 72: requests of many strangers wait up to a limit, and leave the roster room', async ({ server }) => {
  const config = { domains: ['a.test'], limits: { roster: 100 }, modules: { subscription: { requests: 20 } } }
  const stage = await server('a.test', { config })
  const [romeo] = await stage.join('romeo/orchard')
  await romeo.settles()
  stage.core.router.components.set('b.test', () => undefined)
  for (let i = 0; i < 200; i++) {
    const from = Jid.parse(`stranger${i}@b.test`)
    await stage.core.router.route(new Presence({ type: 'subscribe', from, to: romeo.bare }))
  }

  await romeo.fence()
  expect(romeo.unexpected.length).toBe(20)
  expect(romeo.unexpected.every(({ name }) => name === 'presence')).toBe(true)
  await romeo.settles()
  expect((await stage.store.rosters.load(romeo.bare.text)).items.length).toBe(20)
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="friend@b.test"/></query></iq>`
  // An answer makes room for another request.
  await romeo.sends`<presence type="unsubscribed" to="stranger0@b.test"/>`
  await romeo.settles()
  const from = Jid.parse('another@b.test')
  await stage.core.router.route(new Presence({ type: 'subscribe', from, to: romeo.bare }))
  await romeo.receives`<presence type="subscribe" from="${from}"/>`
})

scenario('threat 73: a session cannot make its contacts hear without end', async ({ server, befriend, after }) => {
  const config = { domains: ['a.test'], limits: { stanzas: 0 }, modules: { presence: { changes: 10 } } }
  const stage = await server('a.test', { config })
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  for (let i = 0; i < 100; i++) await romeo.sends`<presence><status>${i}</status></presence>`
  await romeo.fence()
  await juliet.fence()

  expect(juliet.unexpected.length).toBe(9)
  expect(romeo.unexpected.filter(({ attrs }) => attrs['type'] === 'error').length).toBe(91)
  await romeo.settles()
  await juliet.settles()
  // Leaving is never held back.
  await romeo.sends`<presence type="unavailable"/>`
  await juliet.receives`<presence type="unavailable" from="${romeo}"/>`
  await after('1m')
})

scenario('threat 75: rosters hold what is proper, and so much of it', async ({ server }) => {
  const config = { domains: ['a.test'], limits: { roster: 50, stanzas: 0 } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')
  const add = (jid: string) => romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${jid}"/></query></iq>`
  for (let i = 0; i < 50; i++) await add(`contact${i}@b.test`)

  await refused(add('one-more@b.test'), 'not-acceptable', 'The roster is full')
  await refused(add('romeo@a.test'), 'not-allowed', 'You cannot be your own contact')
  for (const jid of ['', '@', 'a@b@c', 'a b@c', `${'x'.repeat(1024)}@b.test`, 'x@-', '\u202e@b.test'])
    await refused(add(jid), 'jid-malformed')
  expect((await romeo.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`).elements().length).toBe(50)
})

scenario('threat 80: a vCard is bounded, and comes back as what it was and nothing else', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const photo = (bytes: number) =>
    `<iq type="set"><vCard xmlns="vcard-temp"><PHOTO><TYPE>image/svg+xml</TYPE><BINVAL>${'A'.repeat(bytes)}</BINVAL></PHOTO></vCard></iq>`

  const answer = await romeo.asksRaw(photo(210_000))
  expect(answer.child('error')?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBe('The vCard is too large')
  expect((await romeo.asksRaw(photo(1000))).attrs['type']).toBe('result')
  await romeo.sendsRaw(photo(5_000_000))
  await romeo.receives`<stream:error><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>`
})
