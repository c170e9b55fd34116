import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { DnsServer } from '@parley/testkit'
import { systemClock } from '../clock.ts'
import type { DiscoveryEvent, TcpStep } from '../discovery.ts'
import { Resolver } from '../dns/resolver.ts'
import type { Target } from '../dns/targets.ts'
import { type ConnectOptions, connectTo } from './connect.ts'
import { ConnectRules } from './rules.ts'

const HOST = 'x.a.test'
let dns: DnsServer
let resolver: Resolver
let events: DiscoveryEvent[]
const closing: (() => unknown)[] = []
beforeEach(async () => {
  events = []
  dns = await DnsServer.start()
  resolver = new Resolver({ servers: [dns.address], clock: systemClock, times: { try: 1000, all: 1500 } })
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await dns.stop()
})

const options = (over: Partial<ConnectOptions> = {}): ConnectOptions => ({
  resolver,
  rules: new ConnectRules({ allow: ['127.0.0.0/8', '::1'] }),
  clock: systemClock,
  observe: event => events.push(event),
  times: { stagger: 20 },
  ...over,
})
const target = (port: number, host = HOST, direct = false): Target => ({
  host,
  port,
  direct,
  priority: 0,
  weight: 0,
  secure: false,
})
const tcp = () => events.filter((each): each is TcpStep => each.step === 'tcp')
const steps = () => tcp().map(({ address, result }) => `${address} ${result}`)

/** A server that takes connections; without a port it gets any. */
async function listening(address = '127.0.0.1', port = 0): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
  }).listen(port, address)
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A port of 127.0.0.1 where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const SILENT = `
  const { parentPort, workerData } = require('node:worker_threads')
  const server = require('node:net').createServer().listen({ port: workerData.port, host: workerData.address, backlog: 1 }, () => {
    // It never takes a connection from the queue of the system, which is full after two.
    setImmediate(() => {
      parentPort.postMessage(server.address().port)
      Atomics.wait(new Int32Array(workerData.lock), 0, 0)
    })
  })`

/** A place that does not answer: neither yes nor no. */
async function silent(address: string, port = 0): Promise<number> {
  const lock = new SharedArrayBuffer(4)
  const worker = new Worker(SILENT, { eval: true, workerData: { address, port, lock } })
  const [bound] = (await once(worker, 'message')) as [number]
  for (let index = 0; index < 2; index++) {
    const socket = dial({ host: address, port: bound })
    socket.on('error', () => {})
    await once(socket, 'connect')
    closing.push(() => socket.destroy())
  }
  closing.push(async () => {
    Atomics.store(new Int32Array(lock), 0, 1)
    Atomics.notify(new Int32Array(lock), 0)
    await worker.terminate()
  })
  return bound
}

describe('a target', () => {
  test('is connected to, and nobody listens to the connection yet', async () => {
    const port = await listening()
    dns.a(HOST, '127.0.0.1')
    const next = await connectTo({ list: [target(port, HOST, true)] }, options()).next()
    expect(next).toMatchObject({ address: '127.0.0.1', direct: true, target: { host: HOST, port } })
    expect(next?.socket.remoteAddress).toBe('127.0.0.1')
    expect(next?.socket.eventNames().filter(name => ['data', 'error', 'connect'].includes(String(name)))).toEqual([])
    next?.socket.destroy()
  })

  test('that is an address is not looked up', async () => {
    const port = await listening()
    const next = await connectTo({ list: [target(port, '127.0.0.1')] }, options()).next()
    expect(next).toMatchObject({ address: '127.0.0.1' })
    expect(dns.asked).toEqual([])
    next?.socket.destroy()
  })

  test('behind an alias is found', async () => {
    const port = await listening()
    dns.cname(HOST, 'y.a.test')
    dns.a('y.a.test', '127.0.0.1')
    const next = await connectTo({ list: [target(port)] }, options()).next()
    expect(next?.address).toBe('127.0.0.1')
    next?.socket.destroy()
  })

  test('that refuses makes way for the next one, and each call goes on behind the last one', async () => {
    const [closed, first, second] = [await closedPort(), await listening(), await listening()]
    dns.a(HOST, '127.0.0.1')
    const attempts = connectTo({ list: [closed, first, second].map(port => target(port)) }, options())
    for (const port of [first, second]) {
      const next = await attempts.next()
      expect(next?.target.port).toBe(port)
      next?.socket.destroy()
    }
    expect(await attempts.next()).toBeUndefined()
    expect(attempts.failures).toMatchObject([{ host: HOST, port: closed, address: '127.0.0.1' }])
    expect(attempts.failures[0]?.reason).toContain('ECONNREFUSED')
  })

  test('without addresses makes way for the next one', async () => {
    const port = await listening()
    dns.a(HOST, '127.0.0.1')
    const attempts = connectTo({ list: [target(port, 'gone.test'), target(port)] }, options())
    const next = await attempts.next()
    expect(next?.target.host).toBe(HOST)
    expect(attempts.failures).toMatchObject([{ host: 'gone.test', reason: 'gone.test has no addresses' }])
    next?.socket.destroy()
  })

  test('that does not answer makes way when its time is over', async () => {
    const [slow, port] = [await silent('127.0.0.1'), await listening()]
    dns.a(HOST, '127.0.0.1')
    const attempts = connectTo(
      { list: [target(slow), target(port)] },
      options({ times: { stagger: 20, target: 1000 } }),
    )
    const next = await attempts.next()
    expect(next?.target.port).toBe(port)
    expect(attempts.failures).toMatchObject([{ port: slow, reason: expect.stringMatching(/^no answer in time/) }])
    next?.socket.destroy()
  })

  test('is not tried when there is no time left', async () => {
    const [slow, port] = [await silent('127.0.0.1'), await listening()]
    dns.a(HOST, '127.0.0.1')
    const attempts = connectTo({ list: [target(slow), target(port)] }, options({ times: { all: 100 } }))
    expect(await attempts.next()).toBeUndefined()
    expect(attempts.failures.at(-1)).toMatchObject({ port, reason: 'there is no time left' })
  })
})

describe('RFC 8305: a host with several addresses', () => {
  test('is reached over IPv6 when both answer', async () => {
    const port = await listening('127.0.0.2')
    await listening('127.0.0.1', port)
    dns.aaaa(HOST, '::ffff:127.0.0.2')
    dns.a(HOST, '127.0.0.1')
    const next = await connectTo({ list: [target(port)] }, options()).next()
    expect(next?.socket.remoteAddress).toContain('127.0.0.2')
    expect(tcp().map(each => each.result)).toEqual(['started', 'connected'])
    next?.socket.destroy()
  })

  test('is reached over IPv4 when IPv6 leads nowhere', async () => {
    const port = await silent('127.0.0.2')
    await listening('127.0.0.1', port)
    dns.aaaa(HOST, '::ffff:127.0.0.2')
    dns.a(HOST, '127.0.0.1')
    const next = await connectTo({ list: [target(port)] }, options()).next()
    expect(next?.address).toBe('127.0.0.1')
    expect(tcp().map(each => each.result)).toEqual(['started', 'started', 'connected', 'given up'])
    next?.socket.destroy()
  })

  test('is reached over IPv4 when nobody answers for IPv6', async () => {
    const port = await listening()
    dns.a(HOST, '127.0.0.1')
    dns.behaves(HOST, { drop: true }, 'AAAA')
    const next = await connectTo({ list: [target(port)] }, options()).next()
    expect(next?.address).toBe('127.0.0.1')
    next?.socket.destroy()
  })

  test('waits for IPv6 a little when IPv4 is known first', async () => {
    const port = await listening('127.0.0.2')
    await listening('127.0.0.1', port)
    dns.aaaa(HOST, '::ffff:127.0.0.2')
    dns.a(HOST, '127.0.0.1')
    dns.behaves(HOST, { delay: 10 }, 'AAAA')
    const next = await connectTo({ list: [target(port)] }, options()).next()
    expect(next?.socket.remoteAddress).toContain('127.0.0.2')
    next?.socket.destroy()
  })

  test('takes turns between the families, and gives up after four', async () => {
    const port = await closedPort()
    dns.aaaa(HOST, ...[2, 3, 4].map(last => `::ffff:127.0.0.${last}`))
    dns.a(HOST, ...[5, 6, 7].map(last => `127.0.0.${last}`))
    const attempts = connectTo({ list: [target(port)] }, options())
    expect(await attempts.next()).toBeUndefined()
    const started = tcp().filter(each => each.result === 'started')
    expect(started.map(each => each.address.includes(':'))).toEqual([true, false, true, false])
  })

  test('does not wait for its turn when the address before failed', async () => {
    const port = await listening('127.0.0.1')
    dns.a(HOST, '127.0.0.9', '127.0.0.1')
    const next = await connectTo({ list: [target(port)] }, options({ times: { stagger: 60_000 } })).next()
    expect(next?.address).toBe('127.0.0.1')
    expect(steps()).toEqual(['127.0.0.9 started', '127.0.0.9 failed', '127.0.0.1 started', '127.0.0.1 connected'])
    next?.socket.destroy()
  })
})

describe('what may not be connected to', () => {
  test('threat 115: SRV records that lead into the house, in a circle, or to a thousand places', async () => {
    const SERVICE = '_xmpp-server._tcp.evil.test'
    const inside = {
      'redis.evil.test': '127.0.0.1',
      'cloud.evil.test': '169.254.169.254',
      'lan.evil.test': '192.168.0.1',
    }
    for (const [name, address] of Object.entries(inside)) dns.a(name, address)
    dns.cname('circle.evil.test', 'again.evil.test')
    dns.cname('again.evil.test', 'circle.evil.test')
    const places = [
      { port: 6379, target: 'redis.evil.test' },
      { port: 5269, target: 'redis.evil.test' },
      { port: 5269, target: 'cloud.evil.test' },
      { port: 22, target: 'lan.evil.test' },
      { port: 443, target: 'lan.evil.test' },
      { port: 5269, target: 'circle.evil.test' },
      { port: 5269, target: '127.0.0.1' },
      { port: 0, target: '.' },
    ]
    dns.srv(SERVICE, ...places)
    dns.srv(
      SERVICE,
      ...Array.from({ length: 1000 }, (_, index) => ({ port: 5269, priority: 1, target: `${index}.evil.test` })),
    )
    const attempts = connectTo(await resolver.targets('evil.test'), options({ rules: new ConnectRules() }))
    expect(await attempts.next()).toBeUndefined()
    expect(tcp()).toEqual([])
    expect(attempts.failures.map(each => each.reason)).toEqual(
      expect.arrayContaining([
        'we do not connect to port 6379, which is none for XMPP',
        'we do not connect to port 22, which is none for XMPP',
        isPrivate('127.0.0.1'),
        isPrivate('169.254.169.254'),
        isPrivate('192.168.0.1'),
        'The aliases of circle.evil.test lead nowhere',
      ]),
    )
    // Two services, one of them twice since it comes over TCP; at most eight hosts, of two families.
    expect(dns.asked.length).toBeLessThanOrEqual(3 + 16)
  })

  test('is not connected to, whatever its name says', async () => {
    const port = await listening()
    dns.a(HOST, '127.0.0.1', '10.0.0.1')
    dns.aaaa(HOST, '::1', '::ffff:169.254.169.254')
    const attempts = connectTo({ list: [target(port)] }, options({ rules: new ConnectRules() }))
    expect(await attempts.next()).toBeUndefined()
    expect(tcp()).toEqual([])
    expect(events.filter(each => each.step === 'refused')).toHaveLength(4)
    expect(attempts.failures).toContainEqual({
      host: HOST,
      port,
      address: '127.0.0.1',
      reason: isPrivate('127.0.0.1'),
    })
  })

  test('leaves the other addresses', async () => {
    const port = await listening()
    dns.a(HOST, '10.0.0.1', '127.0.0.1')
    const next = await connectTo({ list: [target(port)] }, options()).next()
    expect(next?.address).toBe('127.0.0.1')
    next?.socket.destroy()
  })

  test('is not even looked up when the port says it', async () => {
    const attempts = connectTo({ list: [target(22), target(6379)] }, options())
    expect(await attempts.next()).toBeUndefined()
    expect(dns.asked).toEqual([])
    expect(events).toMatchObject([
      { step: 'refused', port: 22, reason: 'port' },
      { step: 'refused', port: 6379, reason: 'port' },
    ])
  })

  test('stays so for an address in place of a domain', async () => {
    const attempts = connectTo(await resolver.targets('[::1]'), options({ rules: new ConnectRules() }))
    expect(await attempts.next()).toBeUndefined()
    expect(attempts.failures).toMatchObject([{ address: '::1' }])
  })
})

describe('an end', () => {
  test('by the signal rejects with its reason, and nothing stays open', async () => {
    const port = await silent('127.0.0.1')
    dns.a(HOST, '127.0.0.1')
    const control = new AbortController()
    const observe = (event: DiscoveryEvent) => {
      events.push(event)
      if (event.step === 'tcp' && event.result === 'started') control.abort(new Error('enough'))
    }
    const attempts = connectTo({ list: [target(port)] }, options({ signal: control.signal, observe }))
    await expect(attempts.next()).rejects.toThrow('enough')
    expect(steps()).toEqual(['127.0.0.1 started', '127.0.0.1 given up'])
    await expect(attempts.next()).rejects.toThrow('enough')
  })

  test('by the signal while names are looked up', async () => {
    dns.behaves('*', { drop: true })
    const control = new AbortController()
    const attempts = connectTo({ list: [target(5269)] }, options({ signal: control.signal }))
    const next = attempts.next()
    control.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    expect(attempts.failures).toEqual([])
  })

  test('by stop gives nothing more', async () => {
    const port = await silent('127.0.0.1')
    dns.a(HOST, '127.0.0.1')
    const attempts = connectTo({ list: [target(port), target(port)] }, options())
    const next = attempts.next()
    attempts.stop()
    expect(await next).toBeUndefined()
    expect(await attempts.next()).toBeUndefined()
  })
})

const isPrivate = (address: string) =>
  `we do not connect to ${address}, a private address: federation.allow opens networks`
