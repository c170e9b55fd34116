import { expect } from '@jest/globals'
import {
  auth,
  authenticate,
  base64,
  PASSWORD,
  plain,
  ScramClient,
  type StagedServer,
  scenario,
  scramAuth,
  text,
  tokenMessage,
} from '@parley/testkit'
import { AGENT, FAST, opened, outcome, SASL, streamError, TLS, tokenFor } from './helpers.ts'

const HT = 'HT-SHA-256-NONE'
const LIMITS = { stanzas: 0, connections: 0, logins: 10 }

async function withToken(stage: StagedServer, token: string, remote = '192.0.2.1'): Promise<string> {
  const message = tokenMessage(HT, 'romeo', token).toString('base64')
  const inline = `<fast xmlns="${FAST}"/>`
  return outcome(await authenticate(await opened(stage, { remote }), HT, message, { inline, agent: AGENT }))
}

async function withPassword(stage: StagedServer, remote: string, password: string, user = 'romeo'): Promise<string> {
  return outcome(await auth(await opened(stage, { remote }), 'PLAIN', plain(user, password)))
}

scenario('threat 45: an address that guesses is stopped, its whole network too', async ({ server }) => {
  const stage = await server('a.test', { config: { limits: LIMITS } })
  await stage.account('romeo')
  for (let i = 0; i < 10; i++) {
    expect(await withPassword(stage, `2001:db8:1:2::${i}`, 'guess', `user${i}`)).toBe('not-authorized')
  }
  await stage.settled()
  expect(await withPassword(stage, '2001:db8:1:2:ffff::1', PASSWORD)).toBe('temporary-auth-failure')
  expect(await withPassword(stage, '2001:db8:1:3::1', PASSWORD)).toBe('success')
})

scenario(
  'threat 45: an account that is attacked from everywhere still lets its owner in',
  async ({ server, clock }) => {
    const stage = await server('a.test', { config: { limits: LIMITS } })
    const token = await tokenFor(stage, 'romeo')
    for (let i = 0; i < 100; i++) await withPassword(stage, `198.51.100.${i}`, 'guess')
    await stage.settled()

    // What cannot be guessed, and where the owner has been before.
    expect(await withToken(stage, token, '203.0.113.1')).toBe('success')
    const certified = await opened(stage, {
      remote: '203.0.113.2',
      tls: { ...TLS, certificateAddresses: ['romeo@a.test'] },
    })
    expect(outcome(await auth(certified, 'EXTERNAL', '='))).toBe('success')
    expect(await withPassword(stage, '192.0.2.1', PASSWORD)).toBe('success')
    // Elsewhere the right password has to wait, but not long.
    expect(await withPassword(stage, '203.0.113.3', PASSWORD)).toBe('temporary-auth-failure')
    clock.advance(10_000)
    expect(await withPassword(stage, '203.0.113.3', PASSWORD)).toBe('success')
  },
)

scenario('threat 45: that guessing was stopped says nothing of who exists', async ({ server }) => {
  const stage = await server('a.test', { config: { limits: LIMITS } })
  await stage.account('romeo')
  for (const user of ['romeo', 'ghost']) {
    const answers: string[] = []
    for (let i = 0; i < 12; i++) {
      await stage.settled()
      const client = await opened(stage, { remote: `198.51.100.${i}` })
      answers.push(String((await scramAuth(client, { mechanism: 'SCRAM-SHA-256', user, password: 'x' }))[0]))
    }
    expect(new Set(answers.slice(0, 10)).size).toBe(1)
    expect(answers[0]).toContain('not-authorized')
    expect(answers[11]).toContain('temporary-auth-failure')
  }
})

scenario('threat 48: a new password ends sessions and tokens', async ({ server }) => {
  const stage = await server('a.test')
  const token = await tokenFor(stage, 'romeo')
  const [romeo] = await stage.connect('romeo/orchard')
  expect(await withToken(stage, token)).toBe('success')
  await stage.host.accounts.setPassword(romeo.bare, 'another')
  expect(await streamError(romeo.client)).toBe('not-authorized')
  expect(await withToken(stage, token)).toBe('not-authorized')
  expect(await withPassword(stage, '192.0.2.1', PASSWORD)).toBe('not-authorized')
  expect(await withPassword(stage, '192.0.2.1', 'another')).toBe('success')
  expect(await stage.core.live.sessions(romeo.bare)).toEqual([])
})

scenario('threat 48: sessions that wait for their client end too, resumed or not', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await romeo.sends`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`
  const { id } = (await romeo.client.next('enabled')).attrs
  await romeo.losesConnection()
  const inline = `<resume xmlns="urn:xmpp:sm:3" previd="${id}" h="0"/>`
  const phone = await opened(stage)
  const resumed = await authenticate(phone, 'PLAIN', plain('romeo', PASSWORD), { inline })
  expect(resumed.child('resumed', 'urn:xmpp:sm:3')).toBeDefined()
  phone.wire.cut()
  await stage.host.accounts.setPassword(romeo.bare, 'another')
  expect(await stage.core.live.sessions(romeo.bare)).toEqual([])
  const again = await authenticate(await opened(stage), 'PLAIN', plain('romeo', 'another'), { inline })
  expect(again.child('failed', 'urn:xmpp:sm:3')).toBeDefined()
})

scenario('threat 48: a login that began with the old password does not end with it', async ({ server }) => {
  const stage = await server('a.test')
  const jid = await stage.account('romeo')
  const client = await opened(stage)
  const scram = new ScramClient({ mechanism: 'SCRAM-SHA-256', user: 'romeo', password: PASSWORD })
  const challenge = await auth(client, 'SCRAM-SHA-256', base64(scram.first))
  await stage.host.accounts.setPassword(jid, 'another')
  client.write(`<response xmlns="${SASL}">${base64(scram.final(text(challenge)))}</response>`)
  expect(outcome(await client.next('a failure'))).toBe('credentials-expired')
})

scenario('threat 48, threat 55: a disabled or deleted account gets in by no way', async ({ server }) => {
  const retire: readonly ((
    stage: StagedServer,
    jid: Awaited<ReturnType<StagedServer['account']>>,
  ) => Promise<unknown>)[] = [
    (stage, jid) => stage.host.accounts.setDisabled(jid, true),
    (stage, jid) => stage.host.accounts.remove(jid, 0),
  ]
  for (const end of retire) {
    const stage = await server('a.test')
    const token = await tokenFor(stage, 'romeo')
    const [romeo] = await stage.connect('romeo/orchard')
    await end(stage, romeo.bare)
    expect(await streamError(romeo.client)).toBe('not-authorized')
    const refused = ['account-disabled', 'not-authorized']
    expect(refused).toContain(await withToken(stage, token))
    expect(refused).toContain(await withPassword(stage, '192.0.2.1', PASSWORD))
    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const [answer] = await scramAuth(await opened(stage), { mechanism, user: 'romeo', password: PASSWORD })
      expect(refused).toContain(outcome(answer))
    }
    const certified = { tls: { ...TLS, certificateAddresses: ['romeo@a.test'] } }
    for (const authzid of ['=', base64('romeo@a.test')]) {
      expect(refused).toContain(outcome(await auth(await opened(stage, certified), 'EXTERNAL', authzid)))
    }
    await stage.host.accounts.remove(romeo.bare, 0)
  }
})

scenario('threat 50: what a login carries never comes to the log', async ({ server, expectComplaint }) => {
  const lines: string[] = []
  const stage = await server('a.test', { logTo: line => void lines.push(line) })
  const token = await tokenFor(stage, 'romeo')
  const secrets = ['hunter2-wrong', PASSWORD, token, plain('romeo', 'hunter2-wrong'), plain('romeo', PASSWORD)]
  await withPassword(stage, '192.0.2.1', 'hunter2-wrong')
  await withPassword(stage, '192.0.2.1', PASSWORD)
  await withToken(stage, token)
  await withToken(stage, `${token}x`)
  const [failed, scram] = await scramAuth(await opened(stage), {
    mechanism: 'SCRAM-SHA-256',
    user: 'romeo',
    password: 'hunter2-wrong',
  })
  expect(outcome(failed)).toBe('not-authorized')
  secrets.push(scram.challenge['s']!, scram.challenge['r']!, scram.first)

  const { allKeys } = stage.store.accounts
  stage.store.accounts.allKeys = () => Promise.reject(new Error('the database is away'))
  expect(await withPassword(stage, '192.0.2.1', PASSWORD)).toBe('temporary-auth-failure')
  stage.store.accounts.allKeys = allKeys
  expectComplaint(/could not be looked up/)

  expect(lines.some(line => line.includes('login failed'))).toBe(true)
  for (const secret of secrets) expect(lines.filter(line => line.includes(secret))).toEqual([])
})

scenario('threat 56: nobody speaks for somebody else', async ({ server }) => {
  const stage = await server('a.test')
  for (const from of ['juliet@a.test', 'romeo@a.test/other', 'a.test', 'romeo@b.test', '']) {
    for (const stanza of ['message', 'presence', 'iq type="result" id="1"']) {
      const [romeo] = await stage.connect('romeo/orchard')
      await romeo.sendsRaw(`<${stanza} from="${from}" to="juliet@a.test"/>`)
      expect([from, stanza, await streamError(romeo.client)]).toEqual([from, stanza, 'invalid-from'])
    }
  }
})

scenario(
  'threat 66: one address bound again and again is one session, with one conflict for each before',
  async ({ server }) => {
    const stage = await server('a.test')
    const clients = []
    for (let i = 0; i < 50; i++) clients.push((await stage.connect('romeo/orchard'))[0].client)
    const last = clients.pop()!
    for (const client of clients) {
      expect(await streamError(client)).toBe('conflict')
      await client.until(() => client.closed, 'the end')
      expect(client.inbox).toEqual([])
    }
    expect(last.closed).toBe(false)
    expect(await stage.core.live.count()).toBe(1)
    expect(stage.streams).toBe(1)
  },
)
