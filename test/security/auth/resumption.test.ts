import { expect } from '@jest/globals'
import { type Actor, authenticate, PASSWORD, plain, type RawClient, type StagedServer, scenario } from '@parley/testkit'
import { opened, outcome } from './helpers.ts'

const SM = 'urn:xmpp:sm:3'

/** A session that has been sent three messages and has acknowledged two. */
async function counted(stage: StagedServer): Promise<{ romeo: Actor; id: string }> {
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<enable xmlns="${SM}" resume="true"/>`
  const id = (await romeo.client.next('enabled')).attrs['id']!
  for (const body of ['one', 'two', 'three']) {
    await juliet.sends`<message type="chat" to="${romeo}"><body>${body}</body></message>`
    await romeo.client.next(body)
  }
  await juliet.leaves()
  await romeo.sends`<a xmlns="${SM}" h="2"/>`
  return { romeo, id }
}

async function loggedIn(stage: StagedServer, user = 'romeo'): Promise<RawClient> {
  const client = await opened(stage)
  await stage.account(user)
  expect(outcome(await authenticate(client, 'PLAIN', plain(user, PASSWORD)))).toBe('success')
  return client
}

async function resumed(client: RawClient, id: string, h: string): Promise<string> {
  client.write(`<resume xmlns="${SM}" previd="${id}" h="${h}"/>`)
  const answer = await client.next('an answer')
  return answer.name === 'failed' ? answer.firstElement()!.name : answer.name
}

scenario('threat 166: counts that cannot be', async ({ server }) => {
  const stage = await server('a.test')
  for (const [h, expected] of [
    ['4', 'undefined-condition'],
    ['1', 'undefined-condition'],
    ['4294967295', 'undefined-condition'],
    ['4294967296', 'invalid-xml'],
    ['-1', 'invalid-xml'],
    ['1e9', 'invalid-xml'],
    ['0x1', 'invalid-xml'],
    ['', 'invalid-xml'],
  ]) {
    const { romeo } = await counted(stage)
    await romeo.sendsRaw(`<a xmlns="${SM}" h="${h}"/>`)
    const error = await romeo.client.next('a stream error')
    expect([h, error.firstElement()?.name]).toEqual([h, expected])
    const extra = error.child('handled-count-too-high', SM)
    if (expected === 'undefined-condition') expect(extra?.attrs['send-count']).toBe('3')
  }
  const { romeo } = await counted(stage)
  await romeo.sendsRaw(`<a xmlns="${SM}"/>`)
  expect((await romeo.client.next('a stream error')).firstElement()?.name).toBe('invalid-xml')
})

scenario('threat 166: counts that cannot be do not resume a session, and do not harm it', async ({ server }) => {
  const stage = await server('a.test')
  const { romeo, id } = await counted(stage)
  await romeo.losesConnection()
  for (const h of ['4', '1', '4294967295', '4294967296', '-1', '1e9', '']) {
    expect([h, await resumed(await loggedIn(stage), id, h)]).toEqual([h, 'bad-request'])
  }
  expect(await resumed(await loggedIn(stage), id, '3')).toBe('resumed')
})

scenario('threat 166: the same count again is right', async ({ server }) => {
  const { romeo } = await counted(await server('a.test'))
  for (const h of ['2', '2', '3', '3']) await romeo.sends`<a xmlns="${SM}" h="${h}"/>`
  await romeo.fence()
})

scenario('threat 167: nobody resumes what is another account’s, dead or absurd', async ({ server }) => {
  const stage = await server('a.test')
  const { romeo, id } = await counted(stage)
  expect(await resumed(await loggedIn(stage, 'juliet'), id, '3')).toBe('item-not-found')
  // The owner has not noticed.
  await romeo.fence()
  await romeo.leaves()
  for (const previd of [id, 'nobody', `${id}x`, '__proto__', 'x'.repeat(200_000)]) {
    expect(await resumed(await loggedIn(stage), previd, '3')).toBe('item-not-found')
  }
  expect(await resumed(await loggedIn(stage), '', '3')).toBe('bad-request')
  const huge = await loggedIn(stage)
  huge.write(`<resume xmlns="${SM}" h="3" previd="${'x'.repeat(1_000_000)}"/>`)
  expect((await huge.next('a stream error')).firstElement()?.name).toBe('policy-violation')
})

scenario('threat 167: elements of stream management in another namespace are none', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await romeo.sendsRaw('<enable xmlns="urn:xmpp:sm:99"/>')
  expect((await romeo.client.next('a stream error')).firstElement()?.name).toBe('unsupported-stanza-type')
})

scenario('threat 168: of several that resume one session at once, one has it', async ({ server }) => {
  const stage = await server('a.test')
  const { romeo, id } = await counted(stage)
  const clients = await Promise.all([loggedIn(stage), loggedIn(stage), loggedIn(stage), loggedIn(stage)])
  for (const client of clients) client.write(`<resume xmlns="${SM}" previd="${id}" h="2"/>`)
  expect((await romeo.client.next('a stream error')).firstElement()?.name).toBe('conflict')
  await romeo.client.until(() => romeo.client.closed, 'the end of the first')
  for (const client of clients) await client.until(() => client.inbox.length > 0, 'an answer')
  const open = () => clients.filter(({ closed }) => !closed)
  while (open().length > 1) await new Promise(resolve => setImmediate(resolve))

  const [pong] = await Promise.allSettled(open().map(client => client.request('get', '<ping xmlns="urn:xmpp:ping"/>')))
  expect(pong?.status).toBe('fulfilled')
  expect(open()).toHaveLength(1)
  expect((await stage.core.live.sessions(romeo.bare)).map(({ jid }) => jid.text)).toEqual([romeo.jid.text])
  const winner = clients.find(({ closed }) => !closed)!
  expect(winner.inbox.map(({ name }) => name)).toEqual(['resumed', 'message'])
})
