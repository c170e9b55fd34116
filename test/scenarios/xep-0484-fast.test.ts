import { expect } from '@jest/globals'
import { authenticate, PASSWORD, plain, type StagedServer, scenario, tokenMessage } from '@parley/testkit'
import type { Element } from '@parley/xml'

const FAST = 'urn:xmpp:fast:0'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const AGENT = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const HT = 'HT-SHA-256-NONE'
const REQUEST = `<request-token xmlns="${FAST}" mechanism="${HT}"/>`

const condition = (answer: Element) => answer.elements().find(({ ns }) => ns === SASL)?.name ?? answer.name
const tokenOf = (success: Element) => success.child('token', FAST)?.attrs['token']

async function withPassword(
  stage: StagedServer,
  inline = REQUEST,
  agent: string | undefined = AGENT,
): Promise<Element> {
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  return authenticate(client, 'PLAIN', plain('romeo', PASSWORD), agent === undefined ? { inline } : { inline, agent })
}

interface Use {
  readonly mechanism?: string
  readonly attributes?: string
  readonly agent?: string
  readonly inline?: string
}

async function withToken(
  stage: StagedServer,
  token: string,
  { mechanism = HT, attributes = '', agent = AGENT, inline = '' }: Use = {},
): Promise<Element> {
  const client = stage.client()
  await client.negotiate('a.test', ' from="romeo@a.test"')
  const message = tokenMessage(mechanism, 'romeo', token).toString('base64')
  return authenticate(client, mechanism, message, { inline: `<fast xmlns="${FAST}"${attributes}/>${inline}`, agent })
}

scenario('XEP-0484 § 3.1: token mechanisms are offered, bound ones where TLS can bind', async ({ server }) => {
  const stage = await server('a.test')
  const features = await stage.client().negotiate('a.test')
  const fast = features.child('authentication', 'urn:xmpp:sasl:2')!.child('inline')!.child('fast', FAST)!
  expect(fast.elements().map(mechanism => mechanism.text())).toEqual(['HT-SHA-512-NONE', HT])
  expect(fast.attrs['tls-0rtt']).toBeUndefined()
})

scenario('XEP-0484 § 3.3, 3.4: a token is given once and used instead of the password', async ({ server }) => {
  const stage = await server('a.test')
  const given = await withPassword(stage)
  const token = tokenOf(given)!
  expect(given.child('token', FAST)!.attrs['expiry']).toBe('2026-01-31T12:00:00.000Z')

  const success = await withToken(stage, token)
  expect(success.name).toBe('success')
  expect(success.textOf('authorization-identifier')).toBe('romeo@a.test')
  expect(tokenOf(success)).toBeUndefined()
  expect((await withToken(stage, token)).name).toBe('success')
})

scenario('XEP-0484 § 3.4: a token is good for its client, mechanism and account only', async ({ server }) => {
  const stage = await server('a.test')
  const token = tokenOf(await withPassword(stage))!
  expect(condition(await withToken(stage, token, { agent: 'another' }))).toBe('not-authorized')
  expect(condition(await withToken(stage, token, { mechanism: 'HT-SHA-512-NONE' }))).toBe('not-authorized')
  expect(condition(await withToken(stage, `${token}x`))).toBe('not-authorized')
  expect((await withToken(stage, token)).name).toBe('success')
})

scenario('XEP-0484 § 3.4: a count that was there before is a replay', async ({ server }) => {
  const stage = await server('a.test')
  const token = tokenOf(await withPassword(stage))!
  expect((await withToken(stage, token, { attributes: ' count="2"' })).name).toBe('success')
  expect(condition(await withToken(stage, token, { attributes: ' count="2"' }))).toBe('not-authorized')
  expect(condition(await withToken(stage, token, { attributes: ' count="1"' }))).toBe('not-authorized')
  expect(condition(await withToken(stage, token, { attributes: ' count="-1"' }))).toBe('malformed-request')
  expect((await withToken(stage, token, { attributes: ' count="3"' })).name).toBe('success')
})

scenario('XEP-0484 § 3.5: an old token is exchanged, and dies when the new one is used', async ({ server, after }) => {
  const stage = await server('a.test')
  const token = tokenOf(await withPassword(stage))!
  await after('2d')
  const renewed = tokenOf(await withToken(stage, token))!
  expect(renewed).not.toBe(token)
  // The new one may not have arrived.
  const again = tokenOf(await withToken(stage, token))!
  expect(condition(await withToken(stage, renewed))).toBe('not-authorized')
  expect((await withToken(stage, again)).name).toBe('success')
  expect(condition(await withToken(stage, token))).toBe('not-authorized')
})

scenario('XEP-0484 § 3.6: a client gives its token back', async ({ server }) => {
  const stage = await server('a.test')
  const token = tokenOf(await withPassword(stage))!
  const success = await withToken(stage, token, { attributes: ' invalidate="true"' })
  expect([success.name, tokenOf(success)]).toEqual(['success', undefined])
  expect(condition(await withToken(stage, token))).toBe('not-authorized')

  const second = tokenOf(await withPassword(stage))!
  const swapped = tokenOf(await withToken(stage, second, { attributes: ' invalidate="1"', inline: REQUEST }))!
  expect((await withToken(stage, swapped)).name).toBe('success')
})

scenario('XEP-0484 § 4.2: a token that is too old is refused', async ({ server, after }) => {
  const stage = await server('a.test')
  const token = tokenOf(await withPassword(stage))!
  await after('31d')
  expect(['credentials-expired', 'not-authorized']).toContain(condition(await withToken(stage, token)))
})

scenario('XEP-0484 § 4.1: tokens need a client with a name, and a mechanism that is offered', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  await client.negotiate('a.test')
  const ask = (inline: string, agent?: string) =>
    authenticate(client, 'PLAIN', plain('romeo', PASSWORD), agent === undefined ? { inline } : { inline, agent })
  expect(condition(await ask(REQUEST))).toBe('malformed-request')
  expect(condition(await ask(`<fast xmlns="${FAST}"/>`))).toBe('malformed-request')
  expect(condition(await ask(`<request-token xmlns="${FAST}" mechanism="PLAIN"/>`, AGENT))).toBe('invalid-mechanism')
})
