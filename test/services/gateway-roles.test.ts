import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import type { Element } from '@parley/xml'
import { Child } from '../interop/child.ts'
import { eventually } from '../interop/eventually.ts'
import { withProgram } from '../interop/programs.ts'
import { freePort } from '../ports.ts'
import { Wired } from '../security/load/wired.ts'
import { compose } from './compose-file.ts'
import { root, ServerProcess } from './process.ts'

const GATEWAY = join(root, 'services/gateway/bin/parley-gateway')
const NOBODY = 'No process serves other networks at the moment'
const STATUS = '<command xmlns="http://jabber.org/protocol/commands" node="urn:parley:gateway:status"/>'
const form = (name: string) =>
  `<query xmlns="jabber:iq:register"><name>${name}</name><password>sesame</password></query>`
const nameOf = ({ jid }: Wired) => jid.slice(0, jid.indexOf('@'))
/** A node that was killed is given up after ten seconds. */
const TAKEOVER = 30_000

withProgram(['redis-server'], 'two front ends, and processes that have the sessions at other networks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-gateways-'))
  const fronts: ServerProcess[] = []
  const gateways: ServerProcess[] = []
  const ports: number[] = []
  let redis: Child
  let shared: Readonly<Record<string, string>>
  let romeo: Wired
  let juliet: Wired

  beforeAll(async () => {
    const socket = join(folder, 'redis.sock')
    const [program = '', ...settings] = compose.services['redis']!.command!
    redis = new Child(program, [...settings, '--port', '0', '--unixsocket', socket, '--dir', folder])
    await redis.prints('ready to accept connections')
    const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    // One folder, and a socket for the command line of each, as in the containers.
    shared = {
      PARLEY_DATA: join(folder, 'data'),
      PARLEY_DATABASE: url,
      PARLEY_REDIS: `unix://${socket}`,
      PARLEY_TLS_CLIENT: 'optional',
    }
    for (let n = 0; n < 2; n++) {
      ports.push(await freePort())
      const listen = { PARLEY_LISTEN_CLIENT: `127.0.0.1:${ports[n]}` }
      const control = { PARLEY_CONTROL: join(folder, `front${n}.sock`) }
      fronts.push(new ServerProcess({ ...shared, ...listen, ...control, PARLEY_ROLES: 'clients' }))
    }
    await Promise.all(fronts.map(front => front.start()))
    for (const user of ['romeo', 'juliet']) await fronts[0]!.user(`${user}@localhost`, 'secret')
    for (const args of [
      ['add', 'loop', 'password=sesame', '--adapter', 'loopback', '--verification', 'everyone'],
      ['enable', 'loop'],
    ])
      expect((await fronts[0]!.cli(['provider', ...args])).code).toBe(0)
    romeo = await Wired.join(ports[0]!, 'romeo/orchard')
    juliet = await Wired.join(ports[1]!, 'juliet/balcony')
    for (const client of [romeo, juliet]) client.write('<presence/>')
  })

  afterAll(async () => {
    romeo?.leave()
    juliet?.leave()
    for (const server of [...fronts, ...gateways]) await server.remove()
    await redis?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  async function gateway(): Promise<ServerProcess> {
    const control = { PARLEY_CONTROL: join(folder, `gateway${gateways.length}.sock`) }
    const listen = { PARLEY_LISTEN_HTTP: '127.0.0.1:0' }
    const server = new ServerProcess({ ...shared, ...control, ...listen }, undefined, GATEWAY)
    gateways.push(server)
    await server.start()
    return server
  }

  /** Presence of the network's own address. */
  const isOwn = ({ name, attrs }: Element) =>
    name === 'presence' && attrs['from'] === 'loop.localhost' && attrs['type'] === undefined
  const saysWhy = (element: Element) => isOwn(element) && element.textOf('status') === NOBODY
  const isOnline = (element: Element) => isOwn(element) && element.child('show') === undefined

  async function connected(client: Wired): Promise<void> {
    const is = async () => String(await client.asks('set', STATUS, 'loop.localhost')).includes('>Connected<')
    await eventually('a session', is, { within: TAKEOVER })
  }

  /** The network in memory ends with its process, and counts anew: what it says first there is taken for a repeat. */
  async function heard(from: Wired, to: Wired, body: string): Promise<void> {
    const message = await eventually(body, () => {
      from.says(`${nameOf(to)}@loop.localhost`, body)
      return to.hears(body, 1000).catch(() => undefined)
    })
    expect(message.attrs['from']).toBe(`${nameOf(from)}@loop.localhost`)
  }

  test('the file starts what is started here', () => {
    expect(compose.services['gateway']!.command).toEqual(['parley-gateway'])
  })

  test('where none is there, users see why, and are told what they cannot have', async () => {
    for (const client of [romeo, juliet]) {
      const answer = client.next(({ attrs }) => attrs['id'] === 'register', TAKEOVER)
      const address = client.next(saysWhy, TAKEOVER)
      client.write(`<iq type="set" id="register" to="loop.localhost">${form(nameOf(client))}</iq>`)
      expect((await answer).attrs['type']).toBe('result')
      expect((await address).textOf('show')).toBe('xa')
      expect(String(await client.asks('set', STATUS, 'loop.localhost'))).toContain(NOBODY)
    }
    romeo.says('juliet@loop.localhost', 'too early')
    const bounced = await romeo.next(({ name, attrs }) => name === 'message' && attrs['type'] === 'error')
    expect(String(bounced)).toContain('service-unavailable')
    expect(String(bounced)).toContain(NOBODY)
  })

  test('one that comes has the sessions, whichever front end users are at', async () => {
    await gateway()
    for (const client of [romeo, juliet]) await connected(client)
    await heard(romeo, juliet, 'across the wall')
    await heard(juliet, romeo, 'and back')
    const { output } = await fronts[0]!.cli(['cluster', 'status', '--json'])
    const { rows } = JSON.parse(output) as { rows: readonly { roles: string }[] }
    expect(rows.map(({ roles }) => roles).sort()).toEqual(['clients', 'clients', 'gateways'])
  })

  test('when it is killed another one has them', async () => {
    for (const client of [romeo, juliet]) client.inbox.length = 0
    await gateways[0]!.stop('SIGKILL')
    await gateway()
    for (const client of [romeo, juliet]) {
      await client.next(isOnline, TAKEOVER)
    }
    await heard(romeo, juliet, 'again')
  })

  test('when the last one ends in order users see it, and the next one goes on', async () => {
    romeo.inbox.length = 0
    expect(await gateways[1]!.stop()).toBe(0)
    await romeo.next(saysWhy, TAKEOVER)
    romeo.inbox.length = 0
    await gateway()
    for (const client of [romeo, juliet]) await connected(client)
    await heard(juliet, romeo, 'once more')
  })
})
