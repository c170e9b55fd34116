import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { dial, dialTls, dropAll, header, type Peer } from '../../packages/wire/test/peer.ts'
import { Front } from '../security/wire/front.ts'
import { readOpenMetrics } from './open-metrics.ts'

let front: Front
async function open(settings: Record<string, unknown> = {}): Promise<Front> {
  front = await Front.open({ domains: ['a.test'], ...settings })
  return front
}
afterEach(async () => {
  jest.restoreAllMocks()
  await dropAll()
  await front.close()
})

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

async function get(path: string, ...headers: string[]): Promise<Answer> {
  return answerOf(await dial(front.port('http')), path, headers)
}

async function answerOf(peer: Peer, path: string, headers: readonly string[] = []): Promise<Answer> {
  const lines = [`GET ${path} HTTP/1.1`, 'Host: a.test', 'Connection: close', ...headers]
  await peer.write(`${lines.join('\r\n')}\r\n\r\n`)
  await peer.closed
  const end = peer.received.indexOf('\r\n\r\n')
  const head = peer.received.slice(0, end)
  return {
    status: Number(head.slice(9, 12)),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body: Buffer.from(peer.received.slice(end + 4), 'latin1').toString(),
  }
}

/** The value of a sample whose name and labels are given as they stand in the text. */
async function read(): Promise<(sample: string) => number | undefined> {
  const { body } = await get('/metrics')
  const values = new Map<string, number>()
  for (const { samples } of readOpenMetrics(body).values()) {
    for (const { name, labels, value } of samples) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}=${text}`)
      values.set(pairs.length === 0 ? name : `${name} ${pairs.join(' ')}`, value)
    }
  }
  return sample => values.get(sample)
}

/** A client over direct TLS, logged in and bound. */
async function login(user: string, password = 'secret'): Promise<Peer> {
  const peer = await dialTls({ port: front.port('clientTls'), servername: 'a.test', ALPNProtocols: ['xmpp-client'] })
  await peer.write(header('a.test'))
  await peer.until('</stream:features>')
  const plain = Buffer.from(`\0${user}\0${password}`).toString('base64')
  await peer.write(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`)
  if (password !== 'secret') {
    await peer.until('</failure>')
    return peer
  }
  await peer.until('<success')
  await peer.write(header('a.test'))
  await peer.until('</stream:features>')
  await peer.write('<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>')
  await peer.until('</iq>')
  return peer
}

describe('health', () => {
  test('a server that can serve says so', async () => {
    await open()
    expect(await get('/health/live')).toMatchObject({ status: 200, body: 'live\n' })
    expect(await get('/health/ready')).toMatchObject({ status: 200, body: 'ready\n' })
  })

  test('without its database it lives, and is not ready', async () => {
    await open()
    jest.spyOn(front.server.store, 'health').mockRejectedValue(new Error('away'))
    expect(await get('/health/ready')).toMatchObject({ status: 503, body: 'not ready: the database does not answer\n' })
    expect(await get('/health/live')).toMatchObject({ status: 200 })
  })

  test('a database that does not answer within two seconds does not answer', async () => {
    await open()
    let asked = 0
    jest.spyOn(front.server.store, 'health').mockImplementation(() => {
      asked++
      return new Promise(() => {})
    })
    const answer = get('/health/ready')
    await front.until(() => asked > 0)
    front.clock.advance(2000)
    expect(await answer).toMatchObject({ status: 503 })
  })

  test('without live state it is not ready', async () => {
    await open()
    jest.spyOn(front.server.live, 'count').mockRejectedValue(new Error('away'))
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      body: 'not ready: the live state does not answer\n',
    })
  })

  test('while it goes down it is not ready', async () => {
    await open()
    await front.server.stop()
    expect(await get('/health/ready')).toMatchObject({ status: 503, body: 'not ready: the server is going down\n' })
  })
})

describe('metrics', () => {
  test('are OpenMetrics text', async () => {
    await open()
    const { status, type, body } = await get('/metrics')
    expect([status, type]).toEqual([200, 'application/openmetrics-text; version=1.0.0; charset=utf-8'])
    const families = readOpenMetrics(body)
    expect(families.get('parley_log_commit_seconds')).toMatchObject({ type: 'histogram', unit: 'seconds' })
    expect(families.get('parley_build')?.samples[0]?.labels).toMatchObject({ node: process.versions.node })
  })

  test('count connections, logins, streams, sessions and stanzas', async () => {
    await open()
    for (const name of ['romeo', 'juliet']) {
      await front.server.hosts[0]!.accounts.create(Jid.parse(`${name}@a.test`), 'secret')
    }
    const romeo = await login('romeo')
    await login('juliet', 'wrong')
    await romeo.write('<presence/>')
    await romeo.write('<message to="juliet@a.test" type="chat"><body>Soft!</body></message>')
    await romeo.write('<message to="nobody@a.test" type="chat" id="m"><body>Soft!</body></message>')
    await romeo.until('</message>')
    const plain = await dial(front.port('client'))
    await plain.write(header('a.test'))
    await plain.until('</stream:features>')
    const garbage = await dial(front.port('clientTls'))
    await garbage.write('this is no TLS at all')
    await garbage.closed
    const value = await read()
    expect({
      accepted: value('parley_connections_accepted_total listener=clientTls'),
      clear: value('parley_connections_accepted_total listener=client'),
      web: value('parley_connections_accepted_total listener=http'),
      shaken: value('parley_tls_handshakes_total listener=clientTls result=ok'),
      failed: value('parley_tls_handshakes_total listener=clientTls result=failed'),
      bound: value('parley_streams state=bound transport=tls'),
      waiting: value('parley_streams state=negotiating transport=tls'),
      clearStreams: value('parley_streams state=negotiating transport=tcp'),
      sessions: value('parley_sessions'),
      good: value('parley_logins_total mechanism=PLAIN result=ok'),
      bad: value('parley_logins_total mechanism=PLAIN result=failed'),
      messages: value('parley_stanzas_received_total link=client kind=message'),
      presence: value('parley_stanzas_received_total link=client kind=presence'),
      errors: value('parley_stanzas_sent_total link=client kind=message'),
      bounced: value('parley_stanzas_bounced_total'),
      up: value('parley_store_up'),
    }).toEqual({
      accepted: 3,
      clear: 1,
      web: 1,
      shaken: 2,
      failed: 1,
      bound: 1,
      waiting: 1,
      clearStreams: 1,
      sessions: 1,
      good: 1,
      bad: 1,
      messages: 2,
      presence: 1,
      errors: 1,
      bounced: 1,
      up: 1,
    })
    expect(value('parley_log_commit_seconds_count')).toBeGreaterThan(0)
    expect(value('parley_log_batch_rows_sum')).toBeGreaterThan(0)
    expect(value('parley_store_round_trip_seconds')).toBeGreaterThan(0)
    const days =
      (value('parley_certificate_expiry_timestamp_seconds domain=a.test')! - front.clock.now() / 1000) / 86_400
    expect(days).toBeGreaterThan(1)
  })

  test('say why connections were not let in', async () => {
    await open({ limits: { connections: 1, logins: 0, stanzas: 0 }, trustedProxies: ['127.0.0.1'] })
    const from = async (first: string) => {
      const peer = await dial(front.port('client'))
      await peer.write(`${first}${header('a.test')}`)
      return peer
    }
    const proxy = 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'
    await (await from(proxy)).until('</stream:features>')
    await (await from(proxy)).closed
    await (await from('')).closed
    const value = await read()
    expect(value('parley_connections_accepted_total listener=client')).toBe(1)
    expect(value('parley_connections_refused_total listener=client reason=limit')).toBe(1)
    expect(value('parley_connections_refused_total listener=client reason=proxy')).toBe(1)
  })

  test('tell of a database that is away, and come all the same', async () => {
    await open()
    jest.spyOn(front.server.store, 'health').mockRejectedValue(new Error('away'))
    const value = await read()
    expect([value('parley_store_up'), value('parley_store_round_trip_seconds')]).toEqual([0, undefined])
  })

  test('queues of sessions are counted by the memory driver', async () => {
    await open()
    await front.server.hosts[0]!.accounts.create(Jid.parse('romeo@a.test'), 'secret')
    const romeo = await login('romeo')
    await romeo.write('<enable xmlns="urn:xmpp:sm:3" resume="true"/>')
    await romeo.until('<enabled')
    romeo.drop()
    await front.until(() => front.server.streams.size === 0)
    const value = await read()
    expect(['parley_sessions', 'parley_sessions_held', 'parley_sessions_queued'].map(value)).toEqual([1, 1, 1])
  })

  test('are only for those who may read them', async () => {
    await open({ metrics: { allow: ['192.0.2.0/24'] } })
    expect(await get('/metrics')).toMatchObject({ status: 403 })
  })

  test('are not handed on by a proxy that nobody trusts', async () => {
    await open()
    for (const mark of ['X-Forwarded-For: 127.0.0.1', 'Via: 1.1 somewhere', 'Forwarded: for=192.0.2.1']) {
      expect(await get('/metrics', mark)).toMatchObject({ status: 403 })
    }
  })

  test('behind a trusted proxy it is the client who must be allowed', async () => {
    await open({ trustedProxies: ['127.0.0.1'], metrics: { allow: ['192.0.2.0/24', '127.0.0.1'] } })
    expect(await get('/metrics', 'X-Forwarded-For: 203.0.113.1')).toMatchObject({ status: 403 })
    expect(await get('/metrics', 'X-Forwarded-For: 192.0.2.7')).toMatchObject({ status: 200 })
  })

  test('are never on the public listener', async () => {
    await open()
    const peer = await dialTls({ port: front.port('https'), servername: 'a.test' })
    expect(await answerOf(peer, '/metrics')).toMatchObject({ status: 404 })
  })
})
