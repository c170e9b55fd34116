import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import matrix from '@parley/gateway-matrix'
import { Kept, Stand } from '../irc/context.ts'

const HS_TOKEN = 'the-homeserver-comes-with-this'
const AS_TOKEN = 'the-gateway-comes-with-this'
const JULIET = '@juliet:verona.test'
const GHOST = '@xmpp_romeo:verona.test'

/** A homeserver that agrees to everything, unless it is told otherwise. */
let homeserver: Server
let answer: { status: number; body: object } | undefined
const asked: { method: string; url: string; authorization: string | undefined }[] = []
let stand: Stand<typeof matrix.settings>
let kept: Kept
let port: number

beforeEach(async () => {
  asked.length = 0
  answer = undefined
  kept = new Kept()
  homeserver = createServer((request, response) => {
    request.resume()
    asked.push({ method: request.method!, url: request.url!, authorization: request.headers.authorization })
    const usual = { room_id: '!r:verona.test', event_id: '$e', joined: { [JULIET]: {}, [GHOST]: {} } }
    response.writeHead(answer?.status ?? 200).end(JSON.stringify(answer?.body ?? usual))
  }).listen(0, '127.0.0.1')
  await once(homeserver, 'listening')
  await open()
})
afterEach(async () => {
  await stand.end()
  homeserver.closeAllConnections()
  homeserver.close()
})

async function open(): Promise<void> {
  const address = homeserver.address() as { port: number }
  const settings = {
    homeserver: `http://127.0.0.1:${address.port}`,
    serverName: 'verona.test',
    asToken: AS_TOKEN,
    hsToken: HS_TOKEN,
    listenPort: 0,
  }
  stand = new Stand(matrix, { kept, settings })
  await stand.session.start()
  const online = stand.events.find(event => event.type === 'state')
  port = Number(/\d+$/.exec(online?.detail ?? '')![0])
}

async function ask(path: string, body: unknown = {}, token: string | null = HS_TOKEN, method = 'PUT'): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/${path}`, {
    method,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  await response.arrayBuffer()
  return response.status
}

const event = (type: string, content: object, more: object = {}) => ({
  type,
  room_id: '!r:verona.test',
  sender: JULIET,
  event_id: `$${randomBytes(8).toString('hex')}`,
  origin_server_ts: 1_790_000_000_000,
  content,
  ...more,
})
const invitation = event('m.room.member', { membership: 'invite', is_direct: true }, { state_key: GHOST })
const says = (body: string) => event('m.room.message', { msgtype: 'm.text', body })

describe('who comes', () => {
  test('threat 156: without the right token gets nothing, and nothing is looked at', async () => {
    for (const token of [null, '']) expect(await ask('transactions/1', { events: [invitation] }, token)).toBe(401)
    for (const token of ['wrong', `${HS_TOKEN}x`, HS_TOKEN.slice(1)])
      expect(await ask('transactions/1', { events: [invitation] }, token)).toBe(403)
    expect(await ask(`transactions/1?access_token=${HS_TOKEN}`, { events: [invitation] }, null)).toBe(401)
    expect(asked.filter(({ method }) => method === 'POST')).toEqual([])
  })

  test('asks for users of ours, and for others in vain', async () => {
    expect(await ask(`users/${encodeURIComponent(GHOST)}`, {}, HS_TOKEN, 'GET')).toBe(200)
    expect(asked.map(({ url }) => url)).toContain('/_matrix/client/v3/register')
    for (const id of ['@romeo:verona.test', '@xmpp_romeo:other.test', '@xmpp_=61:verona.test', 'x'])
      expect(await ask(`users/${encodeURIComponent(id)}`, {}, HS_TOKEN, 'GET')).toBe(404)
    expect(await ask('ping', {}, HS_TOKEN, 'POST')).toBe(200)
    expect(await ask('rooms/x', {}, HS_TOKEN, 'GET')).toBe(404)
  })
})

describe('a transaction', () => {
  test('threat 156: that comes again is done once, over a restart too', async () => {
    expect(await ask('transactions/1', { events: [invitation, says('Ay me!')] })).toBe(200)
    expect(await ask('transactions/1', { events: [invitation, says('Ay me!')] })).toBe(200)
    expect(stand.count('message')).toBe(1)
    await stand.end()
    await open()
    expect(await ask('transactions/1', { events: [says('Ay me!')] })).toBe(200)
    expect(await ask('transactions/2', { events: [says('Romeo')] })).toBe(200)
    expect(stand.events.filter(({ type }) => type === 'message')).toMatchObject([
      { text: 'Romeo', user: 'romeo@example.org', peer: JULIET },
    ])
  })

  test('that the homeserver cannot help with is asked for again', async () => {
    answer = { status: 502, body: {} }
    expect(await ask('transactions/1', { events: [invitation, says('lost?')] })).toBe(500)
    answer = undefined
    expect(await ask('transactions/1', { events: [invitation, says('not lost')] })).toBe(200)
    expect(await stand.sees('message')).toMatchObject({ text: 'not lost' })
  })

  test('that stops in its midst goes on from there when it comes again, over a restart too', async () => {
    await ask('transactions/1', { events: [invitation] })
    const events = [says('one'), { ...invitation, event_id: '$again' }, says('two')]
    answer = { status: 502, body: {} }
    for (let round = 0; round < 2; round++) expect(await ask('transactions/2', { events })).toBe(500)
    expect((await stand.sees('message')).text).toBe('one')
    await stand.end()
    answer = undefined
    await open()
    expect(await ask('transactions/2', { events })).toBe(200)
    expect(await ask('transactions/3', { events: [says('three')] })).toBe(200)
    expect(stand.events.flatMap(each => (each.type === 'message' ? [each.text] : []))).toEqual(['two', 'three'])
  })

  test('brings nothing of our own users back (threat 157)', async () => {
    await ask('transactions/1', { events: [invitation, { ...says('echo'), sender: GHOST }, says('hers')] })
    expect(stand.events.flatMap(each => (each.type === 'message' ? [each.text] : []))).toEqual(['hers'])
  })

  test('of what nobody can read is told once', async () => {
    const secret = () => event('m.room.encrypted', { algorithm: 'm.megolm.v1.aes-sha2' })
    await ask('transactions/1', { events: [invitation, secret(), secret()] })
    expect(stand.count('notice')).toBe(1)
    expect(asked.filter(({ url }) => url.includes('/send/m.room.message/'))).toHaveLength(1)
  })

  test('of files says what stays behind; what older clients put before an answer is left out', async () => {
    const file = event('m.room.message', { msgtype: 'm.image', body: 'balcony.jpg' })
    const content = {
      msgtype: 'm.text',
      body: '> <@romeo:x> Shall I?\n\nYes',
      'm.relates_to': { 'm.in_reply_to': { event_id: '$a' } },
    }
    await ask('transactions/1', {
      events: [
        invitation,
        file,
        event('m.room.message', content),
        event('m.room.message', { msgtype: 'm.emote', body: 'sighs' }),
      ],
    })
    expect(stand.events.flatMap(each => (each.type === 'message' ? [each.text] : []))).toEqual([
      '[picture balcony.jpg: this gateway does not pass it on]',
      'Yes',
      '/me sighs',
    ])
  })

  test('of any shape is borne', async () => {
    const parts = [
      null,
      1,
      'x',
      [],
      {},
      JULIET,
      GHOST,
      '!r:verona.test',
      '$e',
      { membership: 'join' },
      { 'm.relates_to': 1 },
      '\ud800',
      1e300,
    ]
    const pick = () => parts[randomInt(parts.length)]
    const types = [
      'm.room.message',
      'm.room.member',
      'm.reaction',
      'm.room.redaction',
      'm.room.encrypted',
      'm.typing',
      'm.receipt',
      'm.presence',
      7,
    ]
    await ask('transactions/0', { events: [invitation] })
    for (let round = 1; round < 100; round++) {
      const events = Array.from({ length: 20 }, () =>
        Object.fromEntries([
          ['type', types[randomInt(types.length)]],
          ...['room_id', 'sender', 'event_id', 'state_key', 'content', 'redacts', 'origin_server_ts']
            .filter(() => randomInt(6))
            .map(name => [name, pick()]),
        ]),
      )
      expect(await ask(`transactions/${round}`, { events, ephemeral: events })).toBe(200)
    }
    for (const body of ['', '[]', 'x', '{"events":', 'null'])
      expect(await ask(`transactions/x${body.length}`, body)).toBe(400)
    await ask('transactions/end', { events: [invitation, says('still here')] })
    await stand.sees('message', each => each.text === 'still here')
  })
})

describe('HTTP', () => {
  async function raw(text: string | Uint8Array): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    let said = ''
    socket.on('data', (chunk: Buffer) => (said += chunk))
    socket.end(text)
    await once(socket, 'close')
    return said
  }
  const head = `PUT /_matrix/app/v1/transactions/9 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${HS_TOKEN}\r\n`

  test.each([
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 400],
    [`${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
    [`${head}Content-Length: -1\r\n\r\n`, 400],
    [`${head}Content-Length: 99999999\r\n\r\n`, 413],
    [`${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 411],
    [`${head}Bad Field: x\r\n\r\n`, 400],
    [`${head}X: ${'x'.repeat(20_000)}\r\n\r\n`, 400],
    [`${head}Connection: close\r\nContent-Length: 2\r\n\r\n{}`, 200],
    [`PUT /%ff HTTP/1.1\r\nAuthorization: Bearer ${HS_TOKEN}\r\nConnection: close\r\n\r\n`, 400],
  ])('%j is answered by %d', async (text, status) => {
    expect(await raw(text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  test('requests one after another on one connection are answered in order', async () => {
    const one = (id: number) => `${head.replace('/9', `/${id}`)}Content-Length: 2\r\n\r\n{}`
    const socket = connect(port, '127.0.0.1')
    let said = ''
    socket.on('data', (chunk: Buffer) => (said += chunk))
    for (const byte of Buffer.from(one(1) + one(2) + one(3).replace('Content-', 'Connection: close\r\nContent-')))
      socket.write(Uint8Array.of(byte))
    await once(socket, 'close')
    expect(said.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  })

  test('whatever comes, the gateway stays', async () => {
    for (let round = 0; round < 100; round++)
      await raw(
        Buffer.concat([Buffer.from(round % 2 ? head : ''), randomBytes(randomInt(500)), Buffer.from('\r\n\r\n')]),
      )
    expect(await ask('ping', {}, HS_TOKEN, 'POST')).toBe(200)
  })
})

test('no token is shown where something goes wrong', async () => {
  answer = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: AS_TOKEN } }
  const error = await stand.session.ping!().then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  expect(error).toMatchObject({ failure: 'credentials' })
  expect(`${error?.stack}${stand.logged.join()}${JSON.stringify(stand.events)}`).not.toMatch(
    new RegExp(`${AS_TOKEN}|${HS_TOKEN}`),
  )
  answer = { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1234 } }
  await expect(stand.session.ping!()).rejects.toMatchObject({ failure: 'limited', retryAfter: 1234 })
})
