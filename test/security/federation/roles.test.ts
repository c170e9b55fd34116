import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Iq } from '@parley/stanza'
import type { Store } from '@parley/store'
import { closeStore, DnsServer, emptyStore, FakeClock } from '@parley/testkit'
import { el } from '@parley/xml'
import { dial, dropAll } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'
import { bodiesIn, Citizen, confirming } from './mantua.ts'
import { Rival } from './rival.ts'

const JULIET = 'juliet@mantua.test'
const SERVICE = 'conference.verona.test'
const ROOM = `balcony@${SERVICE}`
const WAY = '/verona.test/mantua.test'

let dns: DnsServer
let mantua: Rival
let clock: FakeClock
let store: Store
let open: (...roles: readonly string[]) => Promise<Front>
const opened: Front[] = []

const url = process.env['PARLEY_TEST_REDIS']
if (url) suite(url)
else test.todo('roles of processes: needs Redis')

function suite(redis: string): void {
  beforeAll(async () => {
    dns = await DnsServer.start()
    mantua = await Rival.open()
    dns.srv('_xmpp-server._tcp.mantua.test', { port: mantua.port, target: 'host.test' })
    dns.a('host.test', '127.0.0.1')
  })
  beforeEach(async () => {
    mantua.forget()
    mantua.manner = confirming
    clock = new FakeClock((clock?.now() ?? Date.now()) + 1000)
    store = await emptyStore(() => clock.now())
    const prefix = `test:${randomUUID()}:`
    open = async (...roles) => {
      const federation = { dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional', patience: '60s' }
      const settings = { domains: ['verona.test'], roles, federation }
      const front = await Front.open(settings, { clock, store, redis: { url: redis, prefix } })
      opened.push(front)
      while (!(await isSeen(front))) await new Promise(resolve => setTimeout(resolve, 20))
      return front
    }
  })
  afterEach(async () => {
    await dropAll()
    for (const front of opened.splice(0)) await front.close()
  })
  afterAll(async () => {
    await closeStore()
    await mantua.close()
    await dns.stop()
  })

  describe('a front end and a gateway', () => {
    test('each opens the doors of its role, and both answer for their health', async () => {
      const [front, gateway] = [await open('clients'), await open('federation')]
      const doorsOf = ({ listeners }: Front) => [...listeners.addresses.keys()].sort()
      expect(doorsOf(front)).toEqual(['client', 'clientTls', 'component', 'http', 'https'])
      expect(doorsOf(gateway)).toEqual(['http', 'server', 'serverTls'])
      const at = `http://127.0.0.1:${gateway.port('http')}`
      expect((await fetch(`${at}/health/ready`)).status).toBe(200)
      expect((await fetch(`${at}/metrics`)).status).toBe(200)
      expect((await fetch(`${at}/.well-known/host-meta`)).status).toBe(404)
      expect(await upgraded(gateway.port('http'))).toBe('')
    })

    test('what a front end has for another domain goes over the link of the gateway, in order', async () => {
      const [front, gateway] = [await open('clients'), await open('federation')]
      const romeo = await Citizen.join(front, 'romeo')
      const numbers = Array.from({ length: 200 }, (_, n) => `${n}`)
      romeo.says(JULIET, ...numbers)
      await romeo.isAnsweredFor(200)
      await front.until(() => received().length === 200)
      expect(received()).toEqual(numbers)
      expect([...front.federation!.links]).toEqual([])
      expect([...gateway.federation!.links].map(({ pair }) => pair.to)).toEqual(['mantua.test'])
      await nothingIsOwed()
    })

    test('what comes to the gateway finds clients of a front end', async () => {
      const [front, gateway] = [await open('clients'), await open('federation')]
      const romeo = await Citizen.join(front, 'romeo')
      await speaks(gateway, `<message from="${JULIET}" to="${romeo.jid}" type="chat"><body>come</body></message>`)
      expect((await romeo.hears()).child('body')?.text()).toBe('come')
    })

    test('somebody elsewhere enters a room of the front end', async () => {
      const [front, gateway] = [await open('clients'), await open('federation')]
      const romeo = await Citizen.join(front, 'romeo')
      romeo.client.write(`<presence to="${ROOM}/romeo"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
      romeo.client.write(
        `<iq type="set" id="open" to="${ROOM}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"/></query></iq>`,
      )
      while ((await romeo.hears()).attrs['id'] !== 'open');
      await speaks(
        gateway,
        `<presence from="${JULIET}/1" to="${ROOM}/juliet"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
        SERVICE,
      )
      await front.until(() => mantua.text.includes('code="110"'))
      expect((await front.server.live.place(ROOM)).own).toBe(true)
    })

    test('a room that nobody has becomes one of the front end, whoever asks for it', async () => {
      const [front, gateway] = [await open('clients'), await open('federation')]
      const question = '<query xmlns="http://jabber.org/protocol/disco#info"/>'
      await speaks(gateway, `<iq type="get" id="who" from="${JULIET}/1" to="${ROOM}">${question}</iq>`, SERVICE)
      await front.until(() => /<iq [^>]*id="who"/.test(mantua.text))
      expect(gateway.server.live.node).not.toBe((await gateway.server.live.place(ROOM, undefined, false)).node)
    })

    test('an answer that comes to the gateway finds whoever has asked on the front end', async () => {
      const [front, gateway] = [await open('clients'), await open('federation')]
      const [from, to] = [Jid.parse('verona.test'), Jid.parse(JULIET)]
      const answer = front.server.router.request(
        new Iq({ type: 'get', from, to }, Body.of([el('query', 'urn:example')])),
      )
      await front.until(() => mantua.text.includes('urn:example'))
      const [, id] = /<iq [^>]*id="([^"]+)"[^>]*><query/.exec(mantua.text)!
      await speaks(gateway, `<iq type="result" id="${id}" from="${JULIET}" to="verona.test"/>`)
      expect((await answer).type).toBe('result')
    })
  })

  describe('gateways that come and go', () => {
    test('where one dies another one has its ways', async () => {
      const front = await open('clients')
      const [one, two] = [await open('federation'), await open('federation')]
      const romeo = await Citizen.join(front, 'romeo')
      romeo.says(JULIET, '1')
      await front.until(() => received().length === 1)
      const owner = [one, two].find(({ federation }) => [...federation!.links].length === 1)!
      const other = owner === one ? two : one
      await nothingIsOwed()
      await owner.die()
      romeo.says(JULIET, '2')
      await front.until(() => received().length === 2)
      expect(received()).toEqual(['1', '2'])
      expect([...other.federation!.links].length).toBe(1)
      await nothingIsOwed()
    })

    test('one that stops in order leaves nothing behind, and the other one goes on', async () => {
      const front = await open('clients')
      const [one, two] = [await open('federation'), await open('federation')]
      const romeo = await Citizen.join(front, 'romeo')
      romeo.says(JULIET, '1')
      await front.until(() => received().length === 1)
      await nothingIsOwed()
      const owner = [one, two].find(({ federation }) => [...federation!.links].length === 1)!
      await owner.close({ abruptly: false })
      romeo.says(JULIET, '2')
      await front.until(() => received().length === 2)
      expect(received()).toEqual(['1', '2'])
      await nothingIsOwed()
    })

    test('where there is none, messages wait for one and requests are answered', async () => {
      const front = await open('clients')
      const romeo = await Citizen.join(front, 'romeo')
      romeo.says(JULIET, '1', '2')
      romeo.client.write(`<iq type="get" id="q" to="${JULIET}"><query xmlns="urn:example"/></iq>`)
      await passing(async () => (await store.messages.owedCount(WAY)) === 2)
      expect(await romeo.hearsErrors(1)).toEqual(['q remote-server-timeout'])
      await open('federation')
      await passing(() => received().length === 2)
      expect(received()).toEqual(['1', '2'])
      await nothingIsOwed()
    })

    test('but not for longer than messages wait for a domain', async () => {
      const front = await open('clients')
      const romeo = await Citizen.join(front, 'romeo')
      romeo.says(JULIET, '1')
      await romeo.isAnsweredFor(1)
      const errors = romeo.hearsErrors(1)
      await passing(async () => (await store.messages.owedCount(WAY)) === 0, 90)
      expect(await errors).toEqual(['1 remote-server-timeout'])
    })
  })
}

const received = () => bodiesIn(mantua.text)

/** Whether others know what a node does: it says so when it renews its lease. */
async function isSeen({ server: { live } }: Front): Promise<boolean> {
  return (await live.nodes()).some(({ own, about }) => own && about['roles'] !== undefined)
}

/** No row is left, when the peer has been asked what it has handled. */
function nothingIsOwed(): Promise<void> {
  return passing(async () => (await store.messages.owedCount(WAY)) === 0)
}

/** Lets time pass until something is so: Redis and the database answer in real time. */
async function passing(so: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  for (let n = 0; n < seconds && !(await so()); n++) {
    clock.advance(1000)
    await new Promise(resolve => setTimeout(resolve, 20))
    await store.messages.flush()
  }
  expect(await so()).toBe(true)
}

/** The server of mantua.test proves itself to a gateway and says something. */
async function speaks(gateway: Front, stanza: string, to = 'verona.test'): Promise<void> {
  const peer = await dial(gateway.port('server'))
  await peer.write(
    '<?xml version="1.0"?><stream:stream xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" ' +
      `xmlns:db="jabber:server:dialback" from="mantua.test" to="${to}" version="1.0">`,
  )
  await peer.until('</stream:features>')
  await peer.write(`<db:result from="mantua.test" to="${to}">abc</db:result>`)
  await peer.until('type="valid"/>')
  await peer.write(stanza)
}

/** What a listener answers to whoever wants a WebSocket, until it hangs up. */
async function upgraded(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'GET /xmpp-websocket HTTP/1.1\r\nHost: verona.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n',
  )
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}
