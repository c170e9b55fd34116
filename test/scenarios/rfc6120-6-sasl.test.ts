import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import {
  auth,
  base64,
  type MemoryWireOptions,
  PASSWORD,
  plain,
  type RawClient,
  type StagedServer,
  scenario,
  scramAuth,
  text,
} from '@parley/testkit'
import type { Element } from '@parley/xml'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const BINDINGS = { 'tls-exporter': Buffer.alloc(32, 1), 'tls-server-end-point': Buffer.alloc(32, 2) }
const TLS = {
  protocol: 'TLSv1.3',
  cipher: 'AES',
  bindings: BINDINGS,
  certificateAddresses: [],
  earlyData: false,
} as const

const condition = (answer: Element) => (answer.name === 'failure' ? answer.firstElement()?.name : answer.name)

async function connected(stage: StagedServer, options?: MemoryWireOptions): Promise<RawClient> {
  await stage.account('romeo')
  const client = stage.client(options)
  await client.negotiate('a.test')
  return client
}

function offered(client: RawClient): string[] {
  return (
    client
      .features!.child('mechanisms', SASL)
      ?.elements()
      .map(mechanism => mechanism.text()) ?? []
  )
}

scenario('RFC 6120 § 6.3: what is offered depends on what protects the stream', async ({ server }) => {
  const stage = await server('a.test')
  expect(offered(await connected(stage, { secure: false }))).toEqual([])
  const scram = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']
  expect(offered(await connected(stage))).toEqual([...scram, 'PLAIN'])
  const bound = scram.map(name => `${name}-PLUS`)
  expect(offered(await connected(stage, { tls: TLS }))).toEqual([...bound, ...scram, 'PLAIN'])
  const certified = { ...TLS, certificateAddresses: ['romeo@a.test'] }
  expect(offered(await connected(stage, { tls: certified }))[0]).toBe('EXTERNAL')
})

scenario('RFC 6120 § 6.3.8: nobody acts for somebody else', async ({ server }) => {
  const stage = await server('a.test')
  const client = await connected(stage)
  expect(condition(await auth(client, 'PLAIN', plain('romeo', PASSWORD, 'juliet@a.test')))).toBe('invalid-authzid')
  expect(condition(await auth(client, 'PLAIN', plain('romeo', PASSWORD, 'romeo@a.test')))).toBe('success')
})

scenario('RFC 6120 § 6.4: each mechanism lets the right password in', async ({ server }) => {
  const stage = await server('a.test')
  for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    for (const type of [undefined, 'tls-exporter', 'tls-server-end-point'] as const) {
      const client = await connected(stage, { tls: TLS })
      const name = type ? `${mechanism}-PLUS` : mechanism
      const options = { mechanism: name, user: 'romeo', password: PASSWORD }
      const binding = type && { type, data: BINDINGS[type] }
      const [answer, scram] = await scramAuth(client, binding ? { ...options, binding } : options)
      expect([name, type, condition(answer)]).toEqual([name, type, 'success'])
      expect(scram.verifies(text(answer))).toBe(true)
    }
  }
  const external = await connected(stage, { tls: { ...TLS, certificateAddresses: ['romeo@a.test'] } })
  expect(condition(await auth(external, 'EXTERNAL', '='))).toBe('success')
})

scenario('RFC 6120 § 6.4.2: no initial response, an empty one, and one that is none', async ({ server }) => {
  const client = await connected(await server('a.test'))
  expect(condition(await auth(client, 'PLAIN', ''))).toBe('challenge')
  client.write(`<response xmlns="${SASL}">${plain('romeo', PASSWORD)}</response>`)
  expect((await client.next('success')).name).toBe('success')

  const other = await connected(await server('a.test'))
  expect(condition(await auth(other, 'PLAIN', '='))).toBe('malformed-request')
  expect(condition(await auth(other, 'PLAIN', ' not base64 '))).toBe('incorrect-encoding')
})

scenario('RFC 6120 § 6.4.4: a client may abort', async ({ server }) => {
  const client = await connected(await server('a.test'))
  await auth(client, 'SCRAM-SHA-256', base64('n,,n=romeo,r=abcdefgh'))
  client.write(`<abort xmlns="${SASL}"/>`)
  expect(condition(await client.next('a failure'))).toBe('aborted')
  expect(condition(await auth(client, 'PLAIN', plain('romeo', PASSWORD)))).toBe('success')
})

scenario('RFC 6120 § 6.4.5: a failed login can be tried again, five times', async ({ server }) => {
  const client = await connected(await server('a.test'))
  for (let i = 0; i < 5; i++) {
    expect(condition(await auth(client, 'PLAIN', plain('romeo', 'wrong')))).toBe('not-authorized')
  }
  expect((await client.next('a stream error')).firstElement()?.name).toBe('policy-violation')
})

scenario('RFC 6120 § 6.4.6: after success a login is over', async ({ server }) => {
  const client = await connected(await server('a.test'))
  expect(condition(await auth(client, 'PLAIN', plain('romeo', PASSWORD)))).toBe('success')
  const features = await client.negotiate('a.test')
  expect(features.child('mechanisms', SASL)).toBeUndefined()
  client.write(`<auth xmlns="${SASL}" mechanism="PLAIN">${plain('romeo', PASSWORD)}</auth>`)
  expect((await client.next('a stream error')).firstElement()?.name).toBe('policy-violation')
})

scenario('RFC 6120 § 6.4: one exchange at a time', async ({ server }) => {
  const client = await connected(await server('a.test'))
  await auth(client, 'SCRAM-SHA-256', base64('n,,n=romeo,r=abcdefgh'))
  client.write(`<auth xmlns="${SASL}" mechanism="PLAIN">${plain('romeo', PASSWORD)}</auth>`)
  expect((await client.next('a stream error')).firstElement()?.name).toBe('policy-violation')
})

scenario('RFC 6120 § 6.5: failures by their names', async ({ server }) => {
  const stage = await server('a.test')
  const jid = await stage.account('paris')
  await stage.host.accounts.setDisabled(jid, true)
  const cases: readonly [string, string, string][] = [
    ['PLAIN', plain('paris', PASSWORD), 'account-disabled'],
    ['PLAIN', plain('paris', 'wrong'), 'not-authorized'],
    ['PLAIN', plain('ghost', PASSWORD), 'not-authorized'],
    ['PLAIN', plain('romeo', ''), 'malformed-request'],
    ['DIGEST-MD5', '', 'invalid-mechanism'],
    ['', '', 'invalid-mechanism'],
    ['SCRAM-SHA-1', base64('nonsense'), 'malformed-request'],
    ['EXTERNAL', '=', 'invalid-mechanism'],
  ]
  for (const [mechanism, initial, expected] of cases) {
    const answer = condition(await auth(await connected(stage), mechanism, initial))
    expect([mechanism, answer]).toEqual([mechanism, expected])
  }
  const clear = await connected(stage, { secure: false })
  expect(condition(await auth(clear, 'PLAIN', plain('romeo', PASSWORD)))).toBe('encryption-required')
})

scenario('XEP-0440 § 2: the bindings of the connection are listed beside the mechanisms', async ({ server }) => {
  const stage = await server('a.test')
  const listed = (client: RawClient) =>
    client
      .features!.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')
      ?.elements()
      .map(({ attrs }) => attrs['type'])
  expect(listed(await connected(stage, { tls: TLS }))).toEqual(['tls-exporter', 'tls-server-end-point'])
  expect(listed(await connected(stage))).toBeUndefined()
})

scenario('XEP-0474 § 6.1: SCRAM carries a hash of what was offered', async ({ server }) => {
  const client = await connected(await server('a.test'), { tls: TLS })
  const options = { mechanism: 'SCRAM-SHA-256', user: 'romeo', password: PASSWORD }
  const [answer, { challenge }] = await scramAuth(client, options)
  expect(condition(answer)).toBe('success')
  const lists = [offered(client).sort().join('\x1e'), 'tls-exporter\x1etls-server-end-point']
  expect(challenge['h']).toBe(createHash('sha256').update(lists.join('\x1f')).digest('base64'))

  const plainClient = await connected(await server('a.test', { config: { auth: { downgradeProtection: false } } }))
  expect((await scramAuth(plainClient, options))[1].challenge['h']).toBeUndefined()
})
