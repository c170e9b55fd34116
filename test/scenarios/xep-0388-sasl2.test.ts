import { expect } from '@jest/globals'
import {
  authenticate,
  base64,
  PASSWORD,
  plain,
  type RawClient,
  scenario,
  scramAuthenticate,
  text,
} from '@parley/testkit'
import type { Element } from '@parley/xml'

const SASL2 = 'urn:xmpp:sasl:2'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

const condition = (failure: Element) => failure.elements().find(({ ns }) => ns === SASL)?.name

async function streamError(client: RawClient): Promise<string | undefined> {
  const error = await client.next('a stream error')
  expect(error.name).toBe('error')
  return error.firstElement()?.name
}

scenario('XEP-0388 § 2.1: mechanisms are offered on a protected stream', async ({ server }) => {
  const stage = await server('a.test')
  const features = await stage.client().negotiate('a.test')
  const offer = features.child('authentication', SASL2)!
  const names = offer.childrenNamed('mechanism').map(mechanism => mechanism.text())
  expect(names).toContain('SCRAM-SHA-256')
  expect(names.every(name => !name.startsWith('HT-'))).toBe(true)
  expect(
    offer
      .child('inline')
      ?.elements()
      .map(({ ns }) => ns)
      .sort(),
  ).toEqual(['urn:xmpp:bind:0', 'urn:xmpp:fast:0', 'urn:xmpp:sm:3'])

  const clear = await stage.client({ secure: false }).negotiate('a.test')
  expect(clear.child('authentication', SASL2)).toBeUndefined()
})

scenario(
  'XEP-0388 § 2.6.1: success names the account, and features follow without a new stream',
  async ({ server }) => {
    const stage = await server('a.test')
    await stage.account('romeo')
    const client = stage.client()
    await client.negotiate('a.test', ' from="romeo@a.test"')
    client.features = undefined

    const [success, scram] = await scramAuthenticate(client, {
      mechanism: 'SCRAM-SHA-256',
      user: 'romeo',
      password: PASSWORD,
    })
    expect(success.name).toBe('success')
    expect(success.textOf('authorization-identifier')).toBe('romeo@a.test')
    expect(scram.verifies(Buffer.from(success.textOf('additional-data')!, 'base64').toString())).toBe(true)
    await client.until(() => client.features !== undefined, 'features')
    expect(client.features!.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeDefined()
    expect(client.features!.child('authentication', SASL2)).toBeUndefined()

    const bound = await client.request('set', '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>')
    expect(bound.attrs['type']).toBe('result')
  },
)

scenario('XEP-0388 § 2.3: a mechanism that was not offered is refused', async ({ server }) => {
  const client = (await server('a.test')).client()
  await client.negotiate('a.test')
  expect(condition(await authenticate(client, 'ANONYMOUS', base64('trace')))).toBe('invalid-mechanism')
  expect(condition(await authenticate(client, 'HT-SHA-256-NONE', base64('romeo\0x')))).toBe('malformed-request')
})

scenario('XEP-0388 § 2.3: the account must be the one of the stream header', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test', ' from="juliet@a.test"')
  expect(condition(await authenticate(client, 'PLAIN', plain('romeo', PASSWORD)))).toBe('invalid-authzid')
  // Nothing has changed: stanzas are not taken.
  client.write('<presence/>')
  expect(await streamError(client)).toBe('not-authorized')
})

scenario('XEP-0388 § 2.1: a header from another domain ends the stream', async ({ server }) => {
  const client = (await server('a.test')).client()
  client.open('a.test', ' from="romeo@b.test"')
  expect(await streamError(client)).toBe('invalid-from')
})

scenario('XEP-0388 § 2.6.2: a failed login can be tried again, five times', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  for (let i = 0; i < 4; i++) {
    expect(condition(await authenticate(client, 'PLAIN', plain('romeo', 'wrong')))).toBe('not-authorized')
  }
  expect((await authenticate(client, 'PLAIN', plain('romeo', PASSWORD))).name).toBe('success')

  const guesser = stage.client()
  await guesser.negotiate('a.test')
  for (let i = 0; i < 5; i++) await authenticate(guesser, 'PLAIN', plain('romeo', 'wrong'))
  expect(await streamError(guesser)).toBe('policy-violation')
})

scenario('XEP-0388 § 2.4: during an exchange nothing else is taken', async ({ server }) => {
  const stage = await server('a.test')
  for (const other of [
    '<message to="a.test"/>',
    `<authenticate xmlns="${SASL2}" mechanism="PLAIN"/>`,
    `<auth xmlns="${SASL}" mechanism="PLAIN"/>`,
  ]) {
    const client = stage.client()
    await client.negotiate('a.test')
    expect((await authenticate(client, 'SCRAM-SHA-1', undefined)).name).toBe('challenge')
    client.write(other)
    expect(['policy-violation', 'not-authorized']).toContain(await streamError(client))
  }
})

scenario('XEP-0388 § 4.5: a client may abort', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  await authenticate(client, 'SCRAM-SHA-1', base64('n,,n=romeo,r=abcdefgh'))
  client.write(`<abort xmlns="${SASL2}"/>`)
  expect(condition(await client.next('a failure'))).toBe('aborted')
  expect((await authenticate(client, 'PLAIN', plain('romeo', PASSWORD))).name).toBe('success')
})

scenario('XEP-0388 § 2.5: elements out of their order are refused', async ({ server }) => {
  const client = (await server('a.test')).client()
  await client.negotiate('a.test')
  for (const element of ['response', 'next', 'task-data', 'nonsense']) {
    client.write(`<${element} xmlns="${SASL2}">YQ==</${element}>`)
    const failure = await client.next('a failure')
    expect([condition(failure), failure.textOf('text')]).toEqual(['malformed-request', 'not expected now'])
  }
})

scenario('XEP-0388 § 2.2: data must be base64, and short', async ({ server }) => {
  const client = (await server('a.test')).client()
  await client.negotiate('a.test')
  expect(condition(await authenticate(client, 'PLAIN', '='))).toBe('incorrect-encoding')
  expect(condition(await authenticate(client, 'PLAIN', '%%%'))).toBe('incorrect-encoding')
  expect(condition(await authenticate(client, 'PLAIN', base64('a'.repeat(6000))))).toBe('malformed-request')
  expect(condition(await authenticate(client, 'PLAIN', plain('a', 'b'), { agent: 'x'.repeat(129) }))).toBe(
    'malformed-request',
  )
})

scenario('XEP-0388 § 4.8: after success another login ends the stream', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  expect((await authenticate(client, 'PLAIN', plain('romeo', PASSWORD))).name).toBe('success')
  client.write(`<authenticate xmlns="${SASL2}" mechanism="PLAIN"/>`)
  expect(await streamError(client)).toBe('policy-violation')
})

scenario('XEP-0388 § 2.3: without an initial response the server asks for one', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  const challenge = await authenticate(client, 'PLAIN', undefined)
  expect([challenge.name, text(challenge)]).toEqual(['challenge', ''])
  client.write(`<response xmlns="${SASL2}">${plain('romeo', PASSWORD)}</response>`)
  expect((await client.next('success')).name).toBe('success')
})
