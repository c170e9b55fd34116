import { pbkdf2Sync } from 'node:crypto'
import { expect } from '@jest/globals'
import { deriveScramKeys } from '@parley/sasl'
import { PASSWORD, type RawClient, type StagedServer, scenario, scramAuth, scramAuthenticate } from '@parley/testkit'
import { type Element, el, serialize } from '@parley/xml'

const SASL2 = 'urn:xmpp:sasl:2'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const UPGRADE = 'urn:xmpp:sasl:upgrade:0'
const SCRAM_UPGRADE = 'urn:xmpp:scram-upgrade:0'

const wish = (...names: string[]) => names.map(name => `<upgrade xmlns="${UPGRADE}">UPGR-${name}</upgrade>`).join('')
const condition = (answer: Element) => answer.elements().find(({ ns }) => ns === SASL)?.name

/** An account as it comes from a server that knew SCRAM-SHA-1 only. */
async function imported(stage: StagedServer): Promise<RawClient> {
  const keys = await deriveScramKeys(PASSWORD, 'SCRAM-SHA-1', { iterations: 4096 })
  await stage.store.accounts.create('romeo@a.test', [keys])
  const client = stage.client()
  await client.negotiate('a.test', ' from="romeo@a.test"')
  return client
}

async function login(client: RawClient, inline: string, mechanism = 'SCRAM-SHA-1'): Promise<Element> {
  return (await scramAuthenticate(client, { mechanism, user: 'romeo', password: PASSWORD }, { inline }))[0]
}

async function say(client: RawClient, name: string, attrs: Record<string, string>, child?: Element): Promise<Element> {
  client.write(serialize(el(name, SASL2, attrs, child)))
  return client.next(`the answer to <${name}/>`)
}

function salted(data: Element, hash: string, length: number): Element {
  const salt = data.child('salt', SCRAM_UPGRADE)!
  const rounds = Number(salt.attrs['iterations'])
  const key = pbkdf2Sync(PASSWORD, Buffer.from(salt.text(), 'base64'), rounds, length, hash)
  return el('hash', SCRAM_UPGRADE, null, key.toString('base64'))
}

scenario('XEP-0480 § 2.1: the offer is the same for everybody', async ({ server }) => {
  const features = await (await server('a.test')).client().negotiate('a.test')
  const offers = features
    .child('authentication', SASL2)!
    .childrenNamed('upgrade', UPGRADE)
    .map(one => one.text())
  expect(offers).toEqual(['UPGR-SCRAM-SHA-512', 'UPGR-SCRAM-SHA-256', 'UPGR-SCRAM-SHA-1'])
})

scenario('XEP-0480 § 3: keys for further mechanisms come from the client', async ({ server }) => {
  const stage = await server('a.test')
  const client = await imported(stage)
  const first = await login(client, wish('SCRAM-SHA-256', 'SCRAM-SHA-512'))
  expect(first.name).toBe('continue')
  expect(
    first
      .child('tasks')!
      .elements()
      .map(task => task.text()),
  ).toEqual(['UPGR-SCRAM-SHA-512'])
  expect(first.child('additional-data')).toBeDefined()
  const data512 = await say(client, 'next', { task: 'UPGR-SCRAM-SHA-512' })
  const second = await say(client, 'task-data', {}, salted(data512, 'sha512', 64))
  expect(
    second
      .child('tasks')!
      .elements()
      .map(task => task.text()),
  ).toEqual(['UPGR-SCRAM-SHA-256'])
  const data256 = await say(client, 'next', { task: 'UPGR-SCRAM-SHA-256' })
  const success = await say(client, 'task-data', {}, salted(data256, 'sha256', 32))
  expect(success.name).toBe('success')
  expect(success.textOf('authorization-identifier')).toBe('romeo@a.test')

  for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']) {
    const other = stage.client()
    await other.negotiate('a.test')
    const [answer] = await scramAuth(other, { mechanism, user: 'romeo', password: PASSWORD })
    expect(answer.name).toBe('success')
  }
})

scenario('XEP-0480 § 2.2: what the account has is not made again', async ({ server }) => {
  const client = await imported(await server('a.test'))
  expect((await login(client, wish('SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', 'NONSENSE'))).name).toBe('success')
})

scenario('XEP-0480 § 2.3: until the upgrade is done nobody is logged in', async ({ server }) => {
  const stage = await server('a.test')
  const client = await imported(stage)
  await login(client, wish('SCRAM-SHA-256'))
  client.write('<presence/>')
  expect((await client.next('a stream error')).firstElement()?.name).toBe('not-authorized')
  expect(await stage.store.accounts.mechanisms('romeo@a.test')).toEqual(['SCRAM-SHA-1'])
})

scenario('XEP-0480 § 3: a wrong task or hash fails the login', async ({ server }) => {
  const stage = await server('a.test')
  const client = await imported(stage)
  await login(client, wish('SCRAM-SHA-256'))
  expect(condition(await say(client, 'next', { task: 'UPGR-SCRAM-SHA-512' }))).toBe('malformed-request')
  for (const hash of ['', 'AAAA', '%']) {
    await login(client, wish('SCRAM-SHA-256'))
    await say(client, 'next', { task: 'UPGR-SCRAM-SHA-256' })
    const answer = await say(client, 'task-data', {}, el('hash', SCRAM_UPGRADE, null, hash))
    expect(['malformed-request', 'incorrect-encoding']).toContain(condition(answer))
  }
  expect(await stage.store.accounts.mechanisms('romeo@a.test')).toEqual(['SCRAM-SHA-1'])
})

scenario('XEP-0480 § 3: a password that was changed meanwhile does not get in', async ({ server }) => {
  const stage = await server('a.test')
  const client = await imported(stage)
  await login(client, wish('SCRAM-SHA-256'))
  const data = await say(client, 'next', { task: 'UPGR-SCRAM-SHA-256' })
  await stage.host.accounts.setPassword(await stage.account('romeo'), 'another')
  expect(condition(await say(client, 'task-data', {}, salted(data, 'sha256', 32)))).toBe('credentials-expired')
})
