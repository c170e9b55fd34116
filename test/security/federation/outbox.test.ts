import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Store } from '@parley/store'
import { closeStore, DnsServer, emptyStore, FakeClock } from '@parley/testkit'
import { Front } from '../wire/front.ts'
import { away, bodiesIn, Citizen, confirming } from './mantua.ts'
import { honest, Rival } from './rival.ts'

const JULIET = 'juliet@mantua.test'
const WAY = '/verona.test/mantua.test'
const SERVICES = ['_xmpp-server._tcp', '_xmpps-server._tcp']
const SUBSCRIBE = `<presence type="subscribe" to="${JULIET}"/>`

let dns: DnsServer
let mantua: Rival
let clock: FakeClock
let store: Store
let verona: Front

beforeAll(async () => {
  dns = await DnsServer.start()
  mantua = await Rival.open()
  dns.srv('_xmpp-server._tcp.mantua.test', { port: mantua.port, target: 'host.test' })
  dns.a('host.test', '127.0.0.1')
})
beforeEach(async () => {
  mantua.forget()
  mantua.manner = away
  // Ids of the log never go back.
  clock = new FakeClock((clock?.now() ?? Date.now()) + 1000)
  store = await emptyStore(() => clock.now())
  verona = await open()
})
afterEach(() => verona.close())
afterAll(async () => {
  await closeStore()
  await mantua.close()
  await dns.stop()
})

function open(federation: Record<string, unknown> = {}): Promise<Front> {
  return Front.open(
    {
      domains: ['verona.test'],
      federation: { dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional', ...federation },
    },
    { clock, store },
  )
}

const link = () => [...verona.federation!.links][0]!
const received = () => bodiesIn(mantua.text)
const rows = () => store.messages.owedCount(WAY)

/** Romeo has said something to Juliet, and was told that it is handled; her server could not be reached. */
async function waiting(...bodies: readonly string[]): Promise<Citizen> {
  const romeo = await Citizen.join(verona, 'romeo')
  romeo.says(JULIET, ...bodies)
  await romeo.isAnsweredFor(bodies.length)
  await verona.until(() => link().state === 'resting')
  return romeo
}

/** Questions that nobody answers have taken their time, and the domain is left alone for now. */
async function isLeftAlone(): Promise<void> {
  await verona.until(() => {
    clock.advance(100)
    return link().state === 'resting'
  })
}

/** The peer has confirmed everything, and no row is left of it. */
async function allConfirmed(): Promise<void> {
  await verona.until(() => link().state === 'open')
  clock.advance(1000)
  await verona.until(() => link().waiting === 0)
  await nothingIsOwed()
}

/** No row is left, as soon as what is under way is done. */
async function nothingIsOwed(): Promise<void> {
  for (let tries = 0; tries < 200 && (await rows()) > 0; tries++) await store.messages.flush()
  expect(await rows()).toBe(0)
}

describe('a domain that cannot be reached', () => {
  test('messages wait in order, and go when it is back', async () => {
    const romeo = await waiting('1', '2')
    romeo.says(JULIET, '3')
    await romeo.isAnsweredFor(3)
    expect(await rows()).toBe(3)
    mantua.manner = confirming
    clock.advance(5000)
    await verona.until(() => received().length === 3)
    romeo.says(JULIET, '4')
    await verona.until(() => received().length === 4)
    expect(received()).toEqual(['1', '2', '3', '4'])
    await allConfirmed()
  })

  test('messages go back, each once, when nobody came back in time; then at once', async () => {
    const romeo = await waiting('1', '2')
    clock.advance(119_000)
    await verona.until(() => link().waiting === 2)
    clock.advance(1000)
    expect(await romeo.hearsErrors(2)).toEqual(['1 remote-server-timeout', '2 remote-server-timeout'])
    await verona.until(() => link().state === 'resting')
    romeo.says(JULIET, '3')
    expect(await romeo.hearsErrors(1)).toEqual(['3 remote-server-timeout'])
    await nothingIsOwed()
  })

  test('a domain without any server is answered for at once (RFC 6120 § 8.3.3.15)', async () => {
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.says('juliet@nowhere.test', '1')
    expect(await romeo.hearsErrors(1)).toEqual(['1 remote-server-not-found'])
  })

  test('messages wait while DNS does not answer for addresses: that is no server that is not there', async () => {
    for (const type of ['A', 'AAAA']) dns.behaves('mute.test', { drop: true }, type)
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.says('juliet@mute.test', '1')
    await romeo.isAnsweredFor(1)
    await isLeftAlone()
    expect(link().waiting).toBe(1)
    expect(link().problem?.message).toContain('does not answer for mute.test A')
    clock.advance(120_000)
    expect(await romeo.hearsErrors(1)).toEqual(['1 remote-server-timeout'])
    await isLeftAlone()
  })

  test('messages wait while DNS does not answer for SRV records, and go when it does', async () => {
    for (const name of SERVICES) dns.behaves(`${name}.late.test`, { drop: true })
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.says('juliet@late.test', '1')
    await romeo.isAnsweredFor(1)
    await isLeftAlone()
    expect(link().waiting).toBe(1)
    for (const name of SERVICES) dns.behavesAgain(`${name}.late.test`)
    dns.srv('_xmpp-server._tcp.late.test', { port: mantua.port, target: 'host.test' })
    mantua.manner = confirming
    clock.advance(5000)
    await verona.until(() => received().length === 1)
  })

  test('requests and subscriptions go back at the first failure, and at once while the domain is left alone', async () => {
    const romeo = await Citizen.join(verona, 'romeo')
    const ask = (id: string) =>
      romeo.client.write(`<iq type="get" id="${id}" to="${JULIET}"><query xmlns="urn:example"/></iq>`)
    ask('first')
    expect(await romeo.hearsErrors(1)).toEqual(['first remote-server-timeout'])
    await verona.until(() => link().state === 'resting')
    ask('second')
    expect(await romeo.hearsErrors(1)).toEqual(['second remote-server-timeout'])
    romeo.says(JULIET, 'said')
    await romeo.isAnsweredFor(3)
    expect(link().waiting).toBe(1)
  })

  test('a request does not wait for a connection that hangs', async () => {
    mantua.manner = () => {}
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.client.write(`<iq type="get" id="ask" to="${JULIET}"><query xmlns="urn:example"/></iq>`)
    romeo.says(JULIET, 'said')
    await verona.until(() => mantua.text.includes('<db:result'))
    clock.advance(26_000)
    expect(await romeo.hearsErrors(1)).toEqual(['ask remote-server-timeout'])
    expect(link().waiting).toBe(1)
  })

  test('what was written and not confirmed goes back when the connection breaks; what was not written goes on', async () => {
    mantua.manner = honest
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.says(JULIET, '1')
    await verona.until(() => received().length === 1)
    expect(await rows()).toBe(1)
    mantua.forget()
    expect(await romeo.hearsErrors(1)).toEqual(['1 remote-server-timeout'])
    await nothingIsOwed()
    mantua.manner = confirming
    romeo.says(JULIET, '2')
    await verona.until(() => received().length === 1)
    expect(received()).toEqual(['2'])
  })

  test('what several people get back comes in the order in which each of them said it', async () => {
    mantua.manner = honest
    const people = await Promise.all(['romeo', 'paris', 'tybalt'].map(name => Citizen.join(verona, name)))
    const said = Array.from({ length: 40 }, (_, n) => `${n}`)
    for (const body of said) for (const person of people) person.says(JULIET, body)
    await verona.until(() => received().length === 120)
    mantua.forget()
    for (const person of people)
      expect(await person.hearsErrors(40)).toEqual(said.map(id => `${id} remote-server-timeout`))
  })

  test('with federation.patience 0s nothing waits', async () => {
    await verona.close()
    verona = await open({ patience: '0s' })
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.says(JULIET, '1')
    expect(await romeo.hearsErrors(1)).toEqual(['1 remote-server-timeout'])
  })

  test('whoever is told that the domain is blocked by now hears just that', async () => {
    const romeo = await waiting('1')
    await verona.federation!.partners.set('mantua.test', { state: 'blocked' })
    expect(await romeo.hearsErrors(1)).toEqual(['1 not-allowed'])
    await verona.federation!.partners.remove('mantua.test')
  })
})

describe('what waits is in the message log', () => {
  test('of a client that is told that it is handled; not of another one', async () => {
    const paris = await Citizen.join(verona, 'paris', { counting: false })
    paris.says(JULIET, 'not counted')
    await verona.until(() => link()?.waiting === 1)
    expect(await rows()).toBe(0)
    await waiting('counted')
    expect(await rows()).toBe(1)
    const [row] = await store.messages.owedFor(WAY, 9)
    expect(row).toMatchObject({ peer: JULIET, kept: false })
    expect(await store.messages.page(WAY, { limit: 9 })).toEqual([])
  })

  test('a subscription is, counted or not', async () => {
    const paris = await Citizen.join(verona, 'paris', { counting: false })
    mantua.manner = honest
    paris.client.write(SUBSCRIBE)
    await verona.until(() => mantua.text.includes('type="subscribe"'))
    expect(await rows()).toBe(1)
  })

  test('presence, headlines, errors and answers are not', async () => {
    mantua.manner = honest
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.client.write(
      `<presence to="${JULIET}"/><message type="headline" to="${JULIET}"/><message type="error" to="${JULIET}"/><iq type="result" id="1" to="${JULIET}"/>`,
    )
    await romeo.isAnsweredFor(4)
    await verona.until(() => mantua.text.includes('<iq from="romeo@verona.test/orchard"'))
    expect(await rows()).toBe(0)
  })

  test('a server that is killed and starts again sends it, with the time at which it was said (XEP-0203)', async () => {
    await waiting('1', '2', '3')
    await verona.close({ abruptly: true })
    clock.advance(90_000)
    mantua.manner = confirming
    verona = await open()
    await verona.until(() => received().length === 3)
    expect(received()).toEqual(['1', '2', '3'])
    expect(mantua.text).toMatch(/<body>1<\/body><delay xmlns="urn:xmpp:delay" from="verona.test" stamp="[^"]+"\/>/)
    await allConfirmed()
  })

  test('a request that is too old then is answered, and not sent', async () => {
    mantua.manner = honest
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.client.write(`<iq type="get" id="ask" to="${JULIET}"><query xmlns="urn:example"/></iq>`)
    await romeo.isAnsweredFor(1)
    await verona.until(() => mantua.text.includes('urn:example'))
    await verona.close()
    clock.advance(30_000)
    mantua.forget()
    verona = await open()
    await nothingIsOwed()
    expect(mantua.text).not.toContain('urn:example')
  })

  test('a server that stops in order waits a moment for what was not confirmed, and keeps what nobody counted', async () => {
    mantua.manner = confirming
    const romeo = await Citizen.join(verona, 'romeo')
    romeo.says(JULIET, 'confirmed')
    await verona.until(() => received().length === 1)
    await verona.close({ abruptly: false })
    expect(await rows()).toBe(0)
    mantua.forget()
    mantua.manner = away
    verona = await open()
    const paris = await Citizen.join(verona, 'paris', { counting: false })
    paris.says(JULIET, 'not counted')
    await verona.until(() => link()?.state === 'resting')
    await verona.close({ abruptly: false })
    mantua.manner = confirming
    verona = await open()
    await verona.until(() => received().length === 1)
    expect(received()).toEqual(['not counted'])
  })
})
