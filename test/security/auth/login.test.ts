import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import {
  auth,
  authenticate,
  base64,
  PASSWORD,
  plain,
  ScramClient,
  scenario,
  scramAuth,
  scramAuthenticate,
  text,
  tokenMessage,
} from '@parley/testkit'
import { AGENT, BINDINGS, FAST, opened, outcome, SASL, SASL2, streamError, TLS, tokenFor } from './helpers.ts'

scenario('threat 26: before login there are no stanzas and no answers to challenges', async ({ server }) => {
  const stage = await server('a.test')
  for (const stanza of [
    '<message to="romeo@a.test"/>',
    '<presence/>',
    '<iq type="set" id="1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>',
  ]) {
    const client = await opened(stage)
    client.write(stanza)
    expect(await streamError(client)).toBe('not-authorized')
  }
  const client = await opened(stage)
  for (const ns of [SASL, SASL2]) {
    client.write(`<response xmlns="${ns}">${plain('romeo', PASSWORD)}</response>`)
    expect(outcome(await client.next('a failure'))).toBe('malformed-request')
  }
})

scenario('threat 36: early data is not offered, and a count that was used is refused', async ({ server }) => {
  const stage = await server('a.test')
  const token = await tokenFor(stage, 'romeo')
  const client = await opened(stage)
  const fast = client.features!.child('authentication', SASL2)!.child('inline')!.child('fast', FAST)!
  expect(fast.attrs['tls-0rtt']).toBeUndefined()
  const message = tokenMessage('HT-SHA-256-NONE', 'romeo', token).toString('base64')
  const replay = async () => {
    const inline = `<fast xmlns="${FAST}" count="7"/>`
    return outcome(await authenticate(await opened(stage), 'HT-SHA-256-NONE', message, { inline, agent: AGENT }))
  }
  expect([await replay(), await replay(), await replay()]).toEqual(['success', 'not-authorized', 'not-authorized'])
})

scenario('threat 37: nobody proves to be one and acts as another', async ({ server }) => {
  const stage = await server('a.test')
  for (const user of ['alice', 'fake']) await stage.account(user)
  const certified = { tls: { ...TLS, certificateAddresses: ['alice@a.test'] } }
  for (const authzid of ['fake@a.test', 'fake', 'alice@b.test', 'alice@a.test/phone', 'a.test']) {
    expect(outcome(await auth(await opened(stage), 'PLAIN', plain('alice', PASSWORD, authzid)))).toBe('invalid-authzid')
    const login = plain('alice', PASSWORD, authzid)
    expect(outcome(await authenticate(await opened(stage), 'PLAIN', login))).toBe('invalid-authzid')
    const scram = { mechanism: 'SCRAM-SHA-256', user: 'alice', password: PASSWORD, authzid }
    expect(outcome((await scramAuth(await opened(stage), scram))[0])).toBe('invalid-authzid')
    expect(outcome(await auth(await opened(stage, certified), 'EXTERNAL', base64(authzid)))).toBe('invalid-authzid')
  }
})

scenario('threat 38: a login does not move to another host or account', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: ['a.test', 'b.test'] } })
  await stage.account('romeo')
  for (const [to, from, expected] of [
    ['b.test', 'romeo@b.test', 'host-unknown'],
    ['a.test', 'juliet@a.test', 'invalid-from'],
  ] as const) {
    const client = await opened(stage)
    expect(outcome(await auth(client, 'PLAIN', plain('romeo', PASSWORD)))).toBe('success')
    client.open(to, ` from="${from}"`)
    expect(await streamError(client)).toBe(expected)
  }
})

scenario('threat 39: a mechanism that was not offered is refused', async ({ server }) => {
  const stage = await server('a.test', { config: { auth: { mechanisms: ['SCRAM-SHA-256'] } } })
  await stage.account('romeo')
  const initial = plain('romeo', PASSWORD)
  for (const mechanism of [
    'ANONYMOUS',
    'EXTERNAL',
    'DIGEST-MD5',
    'PLAIN',
    'SCRAM-SHA-1',
    'SCRAM-SHA-256-PLUS',
    'HT-SHA-256-NONE',
    '__proto__',
    'scram-sha-256',
  ]) {
    expect([mechanism, outcome(await auth(await opened(stage), mechanism, initial))]).toEqual([
      mechanism,
      'invalid-mechanism',
    ])
    expect(outcome(await authenticate(await opened(stage), mechanism, initial))).toBe('invalid-mechanism')
  }
})

scenario('threat 40: who says that we cannot bind channels has been lied to', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const base = { mechanism: 'SCRAM-SHA-256', user: 'romeo', password: PASSWORD }
  for (const login of [scramAuth, scramAuthenticate]) {
    const bound = async (options: Parameters<typeof scramAuth>[1]) =>
      outcome((await login(await opened(stage, { tls: TLS }), options))[0])
    expect(await bound({ ...base, flag: 'y' })).toBe('not-authorized')
    expect(await bound({ ...base, flag: 'n' })).toBe('success')
    const plus = { ...base, mechanism: 'SCRAM-SHA-256-PLUS' }
    const right = { type: 'tls-exporter', data: BINDINGS['tls-exporter'] }
    expect(await bound({ ...plus, binding: right })).toBe('success')
    expect(await bound({ ...plus, binding: { ...right, data: Buffer.alloc(32, 9) } })).toBe('not-authorized')
    expect(await bound({ ...plus, binding: { ...right, type: 'tls-unique' } })).toBe('not-authorized')
    expect(await bound({ ...plus, flag: 'n' })).toBe('malformed-request')
    expect(outcome((await login(await opened(stage), { ...base, flag: 'y' }))[0])).toBe('success')
  }
})

scenario('threat 41: a list of mechanisms that was tampered with does not fit the hash', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = await opened(stage, { tls: TLS })
  const sent = client
    .features!.child('mechanisms', SASL)!
    .elements()
    .map(mechanism => mechanism.text())
  const [, { challenge }] = await scramAuth(client, { mechanism: 'SCRAM-SHA-512', user: 'romeo', password: PASSWORD })
  const hash = (names: string[]) => {
    const lists = [names.sort().join('\x1e'), 'tls-exporter\x1etls-server-end-point']
    return createHash('sha512').update(lists.join('\x1f')).digest('base64')
  }
  expect(challenge['h']).toBe(hash(sent))
  expect(challenge['h']).not.toBe(hash(sent.filter(name => !name.endsWith('-PLUS'))))
})

scenario('threat 42: tls-server-end-point is always among the bindings', async ({ server }) => {
  const stage = await server('a.test')
  const listed = async (bindings: object) =>
    (await opened(stage, { tls: { ...TLS, bindings } }))
      .features!.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')
      ?.elements()
      .map(({ attrs }) => attrs['type'])
  expect(await listed(BINDINGS)).toEqual(['tls-exporter', 'tls-server-end-point'])
  expect(await listed({ 'tls-server-end-point': Buffer.alloc(48) })).toEqual(['tls-server-end-point'])
})

scenario('threat 43: SCRAM messages that are not what they should be', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  for (const first of [
    '',
    'n,,',
    'n,,n=romeo',
    'n,,r=abc',
    'n,,m=x,n=romeo,r=abc',
    'x,,n=romeo,r=abc',
    'n,,n=ro=meo,r=abc',
    'n,,n=,r=abc',
    'p=,,n=romeo,r=abc',
  ]) {
    const answer = outcome(await auth(await opened(stage), 'SCRAM-SHA-1', base64(first) || '='))
    expect([first, ['malformed-request', 'not-authorized'].includes(answer)]).toEqual([first, true])
  }
  const changes: readonly ((final: string) => string)[] = [
    final => final.replace(/r=./, 'r=!'),
    final => final.replace(/,p=.*/, ''),
    final => final.replace(/p=.*/, 'p=AAAA'),
    final => final.replace('c=biws', 'c=eSws'),
    final => `m=x,${final}`,
    () => '',
  ]
  for (const change of changes) {
    const client = await opened(stage)
    const scram = new ScramClient({ mechanism: 'SCRAM-SHA-1', user: 'romeo', password: PASSWORD })
    const challenge = await auth(client, 'SCRAM-SHA-1', base64(scram.first))
    const final = scram.final(text(challenge))
    client.write(`<response xmlns="${SASL}">${base64(change(final))}</response>`)
    expect(['malformed-request', 'not-authorized']).toContain(outcome(await client.next('a failure')))
    // The right one comes too late, and again.
    client.write(`<response xmlns="${SASL}">${base64(final)}</response>`)
    expect(outcome(await client.next('a failure'))).toBe('malformed-request')
    await auth(client, 'SCRAM-SHA-1', base64(scram.first))
    client.write(`<response xmlns="${SASL}">${base64(final)}</response>`)
    expect(outcome(await client.next('a failure'))).toBe('not-authorized')
  }
})

scenario('threat 44: who is unknown looks like everybody else', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const asked = async (user: string, mechanism: string) => {
    const client = await opened(stage)
    const [answer, { challenge }] = await scramAuth(client, { mechanism, user, password: 'wrong' })
    return { outcome: outcome(answer), i: challenge['i'], s: challenge['s'], fields: Object.keys(challenge) }
  }
  for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    const [known, ghost, again, other] = [
      await asked('romeo', mechanism),
      await asked('ghost', mechanism),
      await asked('ghost', mechanism),
      await asked('other', mechanism),
    ]
    expect({ ...ghost, s: '' }).toEqual({ ...known, s: '' })
    expect(ghost).toEqual(again)
    expect(ghost.s).toHaveLength(known.s!.length)
    expect(other.s).not.toBe(ghost.s)
  }
  const headers = ['romeo', 'ghost'].map(async user => {
    const client = stage.client()
    return String(await client.negotiate('a.test', ` from="${user}@a.test"`))
  })
  const [known, ghost] = await Promise.all(headers)
  expect(ghost).toBe(known)
})

scenario('threat 52: SASL payloads are bounded', async ({ server }) => {
  const stage = await server('a.test')
  for (const ns of [SASL, SASL2]) {
    const huge = await opened(stage)
    huge.write(
      ns === SASL ? `<auth xmlns="${ns}" mechanism="PLAIN">` : `<authenticate xmlns="${ns}" mechanism="PLAIN">`,
    )
    for (let sent = 0; sent < 1_000_000 && !huge.closed; sent += 50_000) huge.write('A'.repeat(50_000))
    expect(await streamError(huge)).toBe('policy-violation')

    const looping = await opened(stage)
    for (let i = 0; i < 5; i++) {
      looping.write(`<abort xmlns="${ns}"/>`)
      expect(outcome(await looping.next('a failure'))).toBe('aborted')
    }
    expect(await streamError(looping)).toBe('policy-violation')
  }
})
