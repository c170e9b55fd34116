import { expect } from '@jest/globals'
import { type RawClient, type StagedServer, scenario } from '@parley/testkit'

const REGISTER = 'jabber:iq:register'
const PREAUTH = 'urn:xmpp:pars:0'
const invited = { config: { domains: ['a.test'], registration: 'invite', limits: { registrations: 0 } } }

async function invitation(stage: StagedServer, values: Record<string, string | number> = {}): Promise<string> {
  const { text = '' } = await stage.host.commands.find(({ name }) => name === 'invite')!.run(values)
  return /preauth=([\w-]+)/.exec(text)![1]!
}

async function asks(client: RawClient, payload: string): Promise<string[] | undefined> {
  const answer = await client.request('set', payload)
  return answer
    .child('error')
    ?.elements()
    .map(child => (child.name === 'text' ? child.text() : child.name))
}

const account = (name: string) =>
  `<query xmlns="${REGISTER}"><username>${name}</username><password>secret</password></query>`

scenario('XEP-0445 § 4: who has a token registers, once', async ({ server }) => {
  const stage = await server('a.test', invited)
  const token = await invitation(stage)
  const client = stage.client()
  const features = await client.negotiate('a.test')
  expect(features.child('register', 'urn:xmpp:ibr-token:0')).toBeDefined()

  expect(await asks(client, account('romeo'))).toEqual(['not-allowed', 'An invitation is needed to register'])
  expect(await asks(client, `<preauth xmlns="${PREAUTH}" token="${token}"/>`)).toBeUndefined()
  expect(await asks(client, account('romeo'))).toBeUndefined()
  expect(await asks(client, account('juliet'))).toEqual(['not-allowed', 'An invitation is needed to register'])
  expect(await asks(client, `<preauth xmlns="${PREAUTH}" token="${token}"/>`)).toEqual([
    'item-not-found',
    'There is no such invitation',
  ])
  await stage.client().login('a.test', 'romeo', 'secret', 'x')
})

scenario('XEP-0445 § 4: a registration that fails uses nothing up', async ({ server }) => {
  const stage = await server('a.test', invited)
  await stage.account('romeo')
  const token = await invitation(stage)
  const client = stage.client()
  await client.negotiate('a.test')
  await asks(client, `<preauth xmlns="${PREAUTH}" token="${token}"/>`)

  expect(await asks(client, account('romeo'))).toEqual(['conflict', 'The username is taken'])
  expect(await asks(client, account('juliet'))).toBeUndefined()
})

scenario('XEP-0445 § 4: two who share a token for one: one account', async ({ server }) => {
  const stage = await server('a.test', invited)
  const token = await invitation(stage)
  const clients = [stage.client(), stage.client()]
  for (const client of clients) {
    await client.negotiate('a.test')
    expect(await asks(client, `<preauth xmlns="${PREAUTH}" token="${token}"/>`)).toBeUndefined()
  }

  const answers = await Promise.all(clients.map((client, i) => asks(client, account(`user${i}`))))
  expect(answers.filter(answer => answer === undefined).length).toBe(1)
  expect(answers).toContainEqual(['not-allowed', 'The invitation is used up'])
  expect(await stage.store.accounts.count('a.test')).toBe(1)
})

scenario('XEP-0445 § 4: tokens that are no good', async ({ server, after }) => {
  const stage = await server('a.test', invited)
  const short = await invitation(stage, { expires: '10s' })
  const client = stage.client()
  await client.negotiate('a.test')
  await after('11s')

  for (const token of [short, '', 'x', 'made-up-token', 'x'.repeat(300)])
    expect(await asks(client, `<preauth xmlns="${PREAUTH}" token="${token}"/>`)).toEqual([
      'item-not-found',
      'There is no such invitation',
    ])
})

scenario('XEP-0445 § 4: an invitation for some', async ({ server }) => {
  const stage = await server('a.test', invited)
  const token = await invitation(stage, { uses: 2 })
  const outcomes: unknown[] = []
  for (const name of ['one', 'two', 'three']) {
    const client = stage.client()
    await client.negotiate('a.test')
    outcomes.push((await asks(client, `<preauth xmlns="${PREAUTH}" token="${token}"/>`))?.[0])
    outcomes.push((await asks(client, account(name)))?.[0])
  }
  expect(outcomes).toEqual([undefined, undefined, undefined, undefined, 'item-not-found', 'not-allowed'])
})
