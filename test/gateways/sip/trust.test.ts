import { afterEach, describe, expect, test } from '@jest/globals'
import { answerChallenge } from '../../../packages/gateway-sip/src/wire/digest.ts'
import { freePort } from '../../ports.ts'
import { begin, endAll, HandClock } from './context.ts'
import { Peer } from './peer.ts'

let peers: Peer[] = []

afterEach(async () => {
  await endAll()
  for (const peer of peers) peer.close()
  peers = []
})

async function stage(settings: object = {}, use: Parameters<typeof begin>[1] = {}) {
  const udp = await freePort()
  const romeo = await Peer.open(udp)
  peers.push(romeo)
  return { ...(await begin({ udp, transport: 'udp', ...settings }, use)), romeo }
}

describe('threat 155: who may say what', () => {
  test('a caller from outside whom nobody vouches for: 403, and nothing is heard', async () => {
    const { romeo, left } = await stage()
    romeo.writes('O')
    await romeo.hears('SIP/2.0 403')
    expect(left()).toEqual([])
  })

  test('threat 156: a proof that comes late is worth nothing', async () => {
    const who = { username: 'capulet', password: 'a rose' }
    const clock = new HandClock()
    const { romeo, left } = await stage({ peerUsername: who.username, peerPassword: who.password }, { clock })
    romeo.writes('O')
    const challenge = (await romeo.hears('SIP/2.0 407')).header('proxy-authenticate')
    const proof = answerChallenge([challenge], { method: 'MESSAGE', target: 'sip:juliet@example.org' }, who)!
    clock.move(301_000)
    romeo.writes('O', { 'Proxy-Authorization': proof })
    expect((await romeo.hears('SIP/2.0 407')).whole).toContain('stale=true')
    expect(left()).toEqual([])
  })

  test('threat 156: where others can prove who they are: 407, and with the proof it is heard; the same proof again is worth nothing', async () => {
    const who = { username: 'capulet', password: 'a rose' }
    const { romeo, hears, left, log } = await stage({ peerUsername: who.username, peerPassword: who.password })
    romeo.writes('O')
    const refused = await romeo.hears('SIP/2.0 407')
    const challenges = refused.whole
      .split('\r\n')
      .flatMap(line => /^Proxy-Authenticate: (.*)/.exec(line)?.slice(1) ?? [])
    expect(challenges.map(one => /algorithm=([\w-]+)/.exec(one)?.[1])).toEqual(['SHA-256', 'MD5'])
    const request = { method: 'MESSAGE', target: 'sip:juliet@example.org' }
    const proof = answerChallenge(challenges, request, who)!
    romeo.writes('O', { 'Proxy-Authorization': proof })
    await romeo.hears('SIP/2.0 202')
    await hears('message', { text: 'O' })
    romeo.writes('Again', { 'Proxy-Authorization': proof })
    expect((await romeo.hears('SIP/2.0 407')).whole).toContain('stale=true')
    romeo.writes('Wrong', {
      'Proxy-Authorization': answerChallenge(challenges, request, { ...who, password: 'a daisy' })!,
    })
    await romeo.hears('SIP/2.0 407')
    expect(left()).toEqual([])
    expect(log.join('\n')).not.toContain('a rose')
  })

  test('RFC 3261 § 8.2.7: whoever is refused takes no room; the answer to the same request is the same', async () => {
    const { romeo } = await stage()
    const same = { Via: `SIP/2.0/UDP 127.0.0.1:${romeo.port};branch=z9hG4bKsame;rport`, 'Call-ID': 'same@far' }
    romeo.writes('O', same)
    const first = await romeo.hears('SIP/2.0 403')
    romeo.writes('O', same)
    expect((await romeo.hears('SIP/2.0 403')).header('to')).toBe(first.header('to'))
  })

  test('a proof that is sent again with the request that it was made for is still the same request', async () => {
    const who = { username: 'capulet', password: 'a rose' }
    const { romeo, hears, left } = await stage({ peerUsername: who.username, peerPassword: who.password })
    romeo.writes('O')
    const challenge = (await romeo.hears('SIP/2.0 407')).header('proxy-authenticate')
    const proof = answerChallenge([challenge], { method: 'MESSAGE', target: 'sip:juliet@example.org' }, who)!
    const same = {
      ...{ 'Proxy-Authorization': proof, 'Call-ID': 'same@far', CSeq: '9 MESSAGE' },
      Via: `SIP/2.0/UDP 127.0.0.1:${romeo.port};branch=z9hG4bKsame;rport`,
    }
    romeo.writes('O', same)
    await romeo.hears('SIP/2.0 202')
    romeo.writes('O', same)
    await romeo.hears('SIP/2.0 202')
    await hears('message')
    expect(left()).toEqual([])
  })

  test('two From headers, two To headers: 400', async () => {
    const { romeo, left } = await stage({ trusted: '127.0.0.1' })
    romeo.writes('O', { f: '<sip:nurse@far.example>;tag=n' })
    await romeo.hears('SIP/2.0 400')
    romeo.writes('O', { t: '<sip:nurse@example.org>' })
    await romeo.hears('SIP/2.0 400')
    expect(left()).toEqual([])
  })

  test('nobody there is one of us, whoever vouches for it', async () => {
    const { romeo, left } = await stage({ trusted: '127.0.0.1' })
    for (const from of ['sip:nurse@example.org', 'sip:nurse@EXAMPLE.ORG:5060', 'sips:nurse@example.org']) {
      romeo.writes('O', { From: `<${from}>;tag=n` })
      await romeo.hears('SIP/2.0 403')
    }
    romeo.writes('O', { 'P-Asserted-Identity': '<sip:nurse@example.org>' })
    await romeo.hears('SIP/2.0 403')
    expect(left()).toEqual([])
  })

  test('RFC 3325 § 8: whom a trusted proxy has found the sender to be', async () => {
    const { romeo, hears } = await stage({ trusted: '127.0.0.1' })
    romeo.writes('O', {
      From: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=n',
      'P-Asserted-Identity': '<sip:romeo@far.example>',
    })
    expect((await hears('message')).peer).toBe('romeo@far.example')
  })

  test.each([
    ['for a domain that is not ours', { target: 'sip:juliet@other.example' }, '404'],
    ['for nobody', { target: 'sip:example.org' }, '404'],
    ['for an address of another scheme', { target: 'tel:+15551234' }, '416'],
    ['of a sender of another scheme', { From: '<tel:+15551234>;tag=n' }, '403'],
    ['that requires what we have not', { Require: 'nothingSupportsThis' }, '420'],
    ['that has come too far', { 'Max-Forwards': '0' }, '483'],
  ])('a message %s: %s', async (_title, more, status) => {
    const { romeo, left } = await stage({ trusted: '127.0.0.1' })
    romeo.writes('O', more)
    await romeo.hears(`SIP/2.0 ${status}`)
    expect(left()).toEqual([])
  })

  test.each([
    ['INVITE', 'v=0', '488'],
    ['INVITE', '', '603'],
    ['BYE', '', '481'],
    ['REGISTER', '', '405'],
    ['PUBLISH', '', '405'],
    ['NEWMETHOD', '', '405'],
    ['OPTIONS', '', '200'],
  ])('%s %j: %s', async (method, body, status) => {
    const { romeo } = await stage({ trusted: '127.0.0.1' })
    romeo.request(method, body ? { 'Content-Type': 'application/sdp' } : {}, body)
    await romeo.hears(`SIP/2.0 ${status}`)
  })

  test('an INVITE is refused until that is heard, and not after', async () => {
    const { romeo } = await stage({ trusted: '127.0.0.1' })
    const via = { Via: `SIP/2.0/UDP 127.0.0.1:${romeo.port};branch=z9hG4bKcall`, 'Call-ID': 'call@far' }
    romeo.request('INVITE', { ...via, CSeq: '1 INVITE' })
    const refused = await romeo.hears('SIP/2.0 603')
    expect((await romeo.hears('SIP/2.0 603')).whole).toBe(refused.whole)
    romeo.request('ACK', { ...via, CSeq: '1 ACK', To: refused.header('to') })
    romeo.request('OPTIONS')
    await romeo.hears('SIP/2.0 200')
  })
})

describe('RFC 3261 § 22: our own proof', () => {
  async function registrar(settings: object) {
    const [udp, far] = [await freePort(), await freePort()]
    const proxy = await Peer.open(udp, far)
    peers.push(proxy)
    const start = begin({
      ...{ udp, transport: 'udp', proxy: `127.0.0.1:${far};transport=udp` },
      ...{ username: 'gateway', password: 'of Verona', ...settings },
    })
    return { proxy, start }
  }

  test('a proxy that asks is answered, with the next number', async () => {
    const { proxy, start } = await registrar({})
    const { session, log } = await start
    proxy.answers.set(
      'MESSAGE',
      '407 Proxy Authentication Required\nProxy-Authenticate: Digest realm="far", nonce="n1", qop="auth", algorithm=MD5',
    )
    const sent = session.send!({
      key: '1',
      user: 'juliet@example.org',
      to: { peer: 'romeo@far.example' },
      text: 'O',
      receipt: false,
    })
    const first = await proxy.hears('MESSAGE')
    proxy.answers.set('MESSAGE', '200 OK')
    const second = await proxy.hears('MESSAGE')
    expect(second.header('proxy-authorization')).toMatch(
      /^Digest username="gateway", realm="far", nonce="n1", uri="sip:romeo@far.example", response="[0-9a-f]{32}"/,
    )
    expect(Number.parseInt(second.header('cseq'), 10)).toBe(Number.parseInt(first.header('cseq'), 10) + 1)
    await sent
    expect(`${log.join('\n')}${second.whole}`).not.toContain('of Verona')
  })

  test('registration: right, and kept', async () => {
    const { proxy, start } = await registrar({ register: 'sip:gateway@far.example' })
    start.catch(() => {})
    const challenge = '401 Unauthorized\nWWW-Authenticate: Digest realm="far", nonce="n1", algorithm=MD5'
    proxy.answer(await proxy.hears('REGISTER sip:far.example SIP/2.0'), challenge)
    const second = await proxy.hears('REGISTER')
    expect(second.header('contact')).toMatch(/^<sip:gateway@127\.0\.0\.1:\d+;transport=udp>$/)
    proxy.answer(second, '200 OK\nExpires: 600')
    await start
  })

  test('registration: wrong, which is said as such and says no secret', async () => {
    const { proxy, start } = await registrar({ register: 'sip:gateway@far.example' })
    proxy.answers.set('REGISTER', '401 Unauthorized\nWWW-Authenticate: Digest realm="far", nonce="n1", algorithm=MD5')
    const error = await start.then(
      () => undefined,
      (reason: Error) => reason,
    )
    expect(error).toMatchObject({ name: 'AdapterError', failure: 'credentials' })
    expect(String(error)).not.toContain('of Verona')
  })

  test('the other side asks for its sign of life: OPTIONS', async () => {
    const { proxy, start } = await registrar({})
    const { session } = await start
    proxy.answers.set('OPTIONS', '404 Not Found')
    await session.ping!()
  })
})
