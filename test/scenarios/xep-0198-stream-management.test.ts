import { expect } from '@jest/globals'
import {
  type Actor,
  auth,
  capture,
  PASSWORD,
  plain,
  type RawClient,
  type StagedServer,
  scenario,
} from '@parley/testkit'
import { parseElement } from '@parley/xml'

const SM = 'urn:xmpp:sm:3'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const STREAMS = 'http://etherx.jabber.org/streams'

async function resumable(actor: Actor): Promise<string> {
  await actor.sends`<enable xmlns="${SM}" resume="true"/>`
  const { id } = await actor.receives`<enabled xmlns="${SM}" resume="true" id="${capture('id')}"/>`
  return id!
}

/** A connection that is logged in and has no resource. */
async function authenticated(stage: StagedServer, user = 'romeo'): Promise<RawClient> {
  const client = stage.client()
  await stage.account(user)
  await client.negotiate('a.test')
  expect((await auth(client, 'PLAIN', plain(user, PASSWORD))).name).toBe('success')
  await client.negotiate('a.test')
  return client
}

async function resume(stage: StagedServer, id: string, h = '0', user = 'romeo') {
  const client = await authenticated(stage, user)
  client.write(`<resume xmlns="${SM}" previd="${id}" h="${h}"/>`)
  return { client, answer: await client.next('the answer to <resume/>') }
}

scenario('XEP-0198 § 2: offered after login', async ({ server }) => {
  const stage = await server('a.test')
  expect((await stage.client().negotiate('a.test')).child('sm', SM)).toBeUndefined()
  expect((await authenticated(stage)).features!.child('sm', SM)).toBeDefined()
})

scenario('XEP-0198 § 3: not before login or binding, and not twice', async ({ server }) => {
  const stage = await server('a.test')
  const early = stage.client()
  await early.negotiate('a.test')
  for (const client of [early, await authenticated(stage)]) {
    client.write(`<enable xmlns="${SM}"/>`)
    const failed = await client.next('a refusal')
    expect([failed.name, failed.firstElement()?.name]).toEqual(['failed', 'unexpected-request'])
  }

  const [romeo] = await stage.connect('romeo/orchard')
  await romeo.sends`<enable xmlns="${SM}"/>`
  await romeo.receives`<enabled xmlns="${SM}"/>`
  await romeo.sends`<enable xmlns="${SM}"/>`
  await romeo.receives`<failed xmlns="${SM}"><unexpected-request xmlns="${STANZAS}"/></failed>`
  await romeo.receives`<error xmlns="${STREAMS}"><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`
})

scenario('XEP-0198 § 3: the client may want a shorter time than the server gives', async ({ server }) => {
  for (const [wish, given] of [
    ['60', '60'],
    ['100000', '300'],
    ['0', '300'],
    ['-5', '300'],
    ['1e2', '300'],
  ]) {
    const [romeo] = await (await server('a.test')).connect('romeo/orchard')
    await romeo.sendsRaw(`<enable xmlns="${SM}" resume="1" max="${wish}"/>`)
    await romeo.receives`<enabled xmlns="${SM}" resume="true" max="${given!}"/>`
  }
})

scenario('XEP-0198 § 4: the server counts what it has handled', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')

  await romeo.sends`<enable xmlns="${SM}"/>`
  await romeo.receives`<enabled xmlns="${SM}"/>`
  await romeo.sends`<message type="chat" to="${juliet}"><body>one</body></message>`
  await romeo.sends`<message type="chat" to="${juliet}"><body>two</body></message>`
  await romeo.sends`<r xmlns="${SM}"/>`
  await romeo.receives`<a xmlns="${SM}" h="2"/>`
  await juliet.receives`<message><body>one</body></message>`
  await juliet.receives`<message><body>two</body></message>`
})

scenario('XEP-0198 § 4: refused stanzas are handled too', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await romeo.sends`<enable xmlns="${SM}"/>`
  await romeo.receives`<enabled xmlns="${SM}"/>`
  await romeo.sends`<iq type="nonsense" id="1"/>`
  await romeo.receives`<iq type="error" id="1"/>`
  await romeo.sends`<message to="ghost@a.test" type="chat"><body>Hello?</body></message>`
  await romeo.receives`<message type="error"/>`
  await romeo.sends`<r xmlns="${SM}"/>`
  await romeo.receives`<a xmlns="${SM}" h="2"/>`
})

scenario('XEP-0198 § 4: the server asks, and a client that does not answer is lost', async ({ server, clock }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<enable xmlns="${SM}"/>`
  await romeo.receives`<enabled xmlns="${SM}"/>`
  await juliet.sends`<message type="chat" to="${romeo}"><body>one</body></message>`
  await romeo.receives`<message><body>one</body></message>`
  clock.advance(1000)
  await romeo.receives`<r xmlns="${SM}"/>`
  clock.advance(61_000)
  await romeo.receives`<error xmlns="${STREAMS}"><connection-timeout xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`
})

scenario('XEP-0198 § 5: a session is resumed and what was missed is sent again', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  const id = await resumable(romeo)
  await romeo.sends`<message type="chat" to="${juliet}"><body>before</body></message>`
  await juliet.receives`<message><body>before</body></message>`

  await romeo.losesConnection()
  await juliet.sends`<message type="chat" to="${romeo}"><body>missed</body></message>`
  await juliet.fence()

  const { client, answer } = await resume(stage, id)
  expect([answer.name, answer.attrs['h'], answer.attrs['previd']]).toEqual(['resumed', '1', id])
  expect((await client.next('the message')).textOf('body')).toBe('missed')
  // The counts go on where they were.
  client.write(`<message type="chat" to="${juliet}"><body>after</body></message><r xmlns="${SM}"/>`)
  expect((await client.next('an answer')).attrs['h']).toBe('2')
  await juliet.receives`<message from="${romeo}"><body>after</body></message>`
})

scenario('XEP-0198 § 5: what the client has taken is not sent again', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  const id = await resumable(romeo)
  for (const body of ['one', 'two', 'three']) {
    await juliet.sends`<message type="chat" to="${romeo}"><body>${body}</body></message>`
    await romeo.receives`<message><body>${body}</body></message>`
  }
  await romeo.sends`<a xmlns="${SM}" h="1"/>`
  await romeo.losesConnection()
  const { client } = await resume(stage, id, '2')
  expect((await client.next('the last message')).textOf('body')).toBe('three')
})

scenario('XEP-0198 § 5: a stream that is still there ends with a conflict', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  const id = await resumable(romeo)
  const { answer } = await resume(stage, id)
  expect(answer.name).toBe('resumed')
  await romeo.receives`<error xmlns="${STREAMS}"><conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`
})

scenario(
  'XEP-0198 § 5: a session that nobody knows cannot be resumed, and a resource can be bound then',
  async ({ server }) => {
    const stage = await server('a.test')
    for (const id of ['nobody', 'x'.repeat(5000)]) {
      const { client, answer } = await resume(stage, id)
      expect([answer.name, answer.firstElement()?.name]).toEqual(['failed', 'item-not-found'])
      const bound = await client.request('set', '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>')
      expect(bound.attrs['type']).toBe('result')
    }
  },
)

scenario('XEP-0198 § 5: a stream that has a resource resumes nothing', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  await romeo.sends`<resume xmlns="${SM}" previd="nobody" h="0"/>`
  await romeo.receives`<failed xmlns="${SM}"><unexpected-request xmlns="${STANZAS}"/></failed>`
})

scenario('XEP-0198 § 5: where sessions are not held, none is resumed', async ({ server }) => {
  const stage = await server('a.test', { config: { modules: { 'stream-management': { hold: '0s' } } } })
  const [romeo] = await stage.connect('romeo/orchard')
  await romeo.sends`<enable xmlns="${SM}" resume="true"/>`
  const { resume: offered } = (await romeo.client.next('enabled')).attrs
  expect(offered).toBeUndefined()
  const { answer } = await resume(stage, 'any')
  expect(answer.firstElement()?.name).toBe('feature-not-implemented')
})

scenario('XEP-0198 § 5: after the hold time contacts see the session leave', async ({ server, befriend, after }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  await romeo.sends`<enable xmlns="${SM}" resume="true" max="60"/>`
  await romeo.receives`<enabled xmlns="${SM}" max="60"/>`

  await romeo.losesConnection()
  await juliet.receivesNothing()
  await after('62s')
  await juliet.receives`<presence type="unavailable" from="${romeo}"/>`
})

scenario('XEP-0198 § 7: a stream that is closed in order leaves nothing to resume', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  const id = await resumable(romeo)
  await romeo.leaves()
  expect((await resume(stage, id)).answer.firstElement()?.name).toBe('item-not-found')
})

scenario('XEP-0198 § 5: a session that is over is told all that it had handled', async ({ server, after }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  for (const actor of [romeo, juliet]) await actor.settles()
  await romeo.sends`<enable xmlns="urn:xmpp:sm:3" resume="true" max="60"/>`
  const { id } = await romeo.receives`<enabled xmlns="urn:xmpp:sm:3" id="${capture('id')}"/>`
  await romeo.sends`<message type="chat" to="juliet@a.test"><body>one</body></message>`
  await romeo.sends`<message type="headline" to="juliet@a.test"><body>two</body></message>`
  await romeo.sends`<message type="headline" to="juliet@a.test"><body>three</body></message>`
  for (const _ of ['one', 'two', 'three']) await juliet.receives`<message/>`
  await romeo.losesConnection()
  await after('62s')
  await juliet.fence()
  await stage.store.messages.flush()
  expect(await stage.store.messages.smHandled(id!)).toBe(3)
})

scenario('XEP-0198 § 5: a request that comes again has one answer, and one of each result', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  await romeo.sends`<message to="${romeo.bare}" type="chat"><body>to be read</body></message>`
  await romeo.receives`<message><body>to be read</body></message>`
  const sid = await resumable(romeo)
  const session = stage.core.sessions.get(sid)!
  for (const xml of [
    `<iq xmlns="jabber:client" type="set" id="q1"><query xmlns="urn:xmpp:mam:2"/></iq>`,
    `<iq xmlns="jabber:client" type="get" id="q2"><query xmlns="urn:example:unknown"/></iq>`,
    `<message xmlns="jabber:client" type="chat" to="nobody@a.test" id="m1"><body>?</body></message>`,
  ]) {
    const stanza = parseElement(xml)
    await session.receive(stanza)
    await session.drained()
    // As after a resumption: its number was not kept.
    session.received--
    await session.receive(stanza)
    await session.drained()
  }
  await romeo.receives`<message><result xmlns="urn:xmpp:mam:2"/></message>`
  await romeo.receives`<iq type="result" id="q1"><fin xmlns="urn:xmpp:mam:2"/></iq>`
  await romeo.receives`<iq type="error" id="q2"/>`
  await romeo.receives`<message type="error" id="m1"/>`
  await romeo.receivesNothing()
})
