import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import { DnsServer } from '@parley/testkit'
import { Connection } from '../faults/client.ts'
import { Child } from '../interop/child.ts'
import { eventually } from '../interop/eventually.ts'
import { withProgram } from '../interop/programs.ts'
import { freePort } from '../ports.ts'
import { bodiesIn, confirming } from '../security/federation/mantua.ts'
import { Rival } from '../security/federation/rival.ts'
import { compose, environmentOf } from './compose-file.ts'
import { root, ServerProcess } from './process.ts'

const GATEWAY = join(root, 'services/federation/bin/parley-federation')

withProgram(['redis-server'], 'docker compose up --scale frontend=2 --scale federation=2, as processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-roles-'))
  const fronts: ServerProcess[] = []
  const gateways: ServerProcess[] = []
  const ports = new Map<ServerProcess, number>()
  let redis: Child
  let dns: DnsServer
  let mantua: Rival

  beforeAll(async () => {
    const socket = join(folder, 'redis.sock')
    const [program = '', ...settings] = compose.services['redis']!.command!
    redis = new Child(program, [...settings, '--port', '0', '--unixsocket', socket, '--dir', folder])
    await redis.prints('ready to accept connections')
    const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    dns = await DnsServer.start()
    mantua = await Rival.open(confirming)
    dns.srv('_xmpp-server._tcp.mantua.test', { port: mantua.port, target: 'host.test' })
    dns.a('host.test', '127.0.0.1')
    const shared = {
      PARLEY_DOMAINS: 'localhost',
      PARLEY_DATABASE: url,
      PARLEY_REDIS: `unix://${socket}`,
      PARLEY_FEDERATION_DNS: dns.address,
      PARLEY_FEDERATION_ALLOW: '127.0.0.0/8',
      PARLEY_FEDERATION_TLS: 'optional',
      PARLEY_TRUSTED_PROXIES: '',
    }
    for (const [service, servers] of [
      ['frontend', fronts],
      ['federation', gateways],
    ] as const)
      for (let n = 0; n < 2; n++) servers.push(await planned(service, shared))
    await Promise.all([...fronts, ...gateways].map(server => server.start()))
  })

  afterAll(async () => {
    for (const server of [...fronts, ...gateways]) await server.remove()
    await mantua?.close()
    await dns?.stop()
    await redis?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** What compose would start, on ports that are free here. */
  async function planned(service: 'frontend' | 'federation', shared: Record<string, string>): Promise<ServerProcess> {
    const { PARLEY_DATA: _data, PARLEY_CONTROL: _control, ...environment } = environmentOf(service)
    const doors = Object.keys(environment).filter(name => name.startsWith('PARLEY_LISTEN_'))
    const listen: [string, string][] = []
    for (const door of doors) listen.push([door, `127.0.0.1:${await freePort()}`])
    const settings = { ...environment, ...shared, ...Object.fromEntries(listen) }
    const server = new ServerProcess(settings, undefined, service === 'federation' ? GATEWAY : undefined)
    ports.set(server, Number(settings['PARLEY_LISTEN_CLIENT_TLS' as keyof typeof settings]?.split(':')[1]))
    return server
  }

  async function says(from: ServerProcess, user: string, body: string): Promise<void> {
    const client = await Connection.open(ports.get(from)!)
    await client.authenticate(user, 'secret')
    await client.bind('orchard')
    await client.enable()
    client.send(`<message type="chat" to="juliet@mantua.test" id="m${body}"><body>${body}</body></message>`)
    await eventually(`mantua hears ${body}`, () => bodiesIn(mantua.text).includes(body), { within: 40_000 })
    client.close()
  }

  test('the file starts what is started here', () => {
    expect(compose.services['frontend']!.command).toEqual(['parley', 'serve'])
    expect(compose.services['federation']!.command).toEqual(['parley-federation'])
  })

  test('each process says what it does', async () => {
    const all = ['clients: serving', 'clients: serving', 'federation: serving', 'federation: serving']
    // Who has just started says so within three seconds.
    await eventually('all of them', async () => {
      const { output } = await fronts[0]!.cli(['cluster', 'status', '--json'])
      const { rows } = JSON.parse(output) as { rows: readonly { roles: string; state: string }[] }
      const said = rows.map(({ roles, state }) => `${roles}: ${state}`).sort()
      return said.join() === all.join()
    })
  })

  test('one of each is killed: messages to another domain go on', async () => {
    await fronts[0]!.user('romeo@localhost', 'secret')
    await says(fronts[0]!, 'romeo', '1')
    await says(fronts[1]!, 'romeo', '2')
    const owner = await withLink()
    await owner.stop('SIGKILL')
    await says(fronts[0]!, 'romeo', '3')
    await fronts[0]!.stop('SIGKILL')
    await says(fronts[1]!, 'romeo', '4')
    // What the peer had not confirmed when the gateway died comes again.
    expect([...new Set(bodiesIn(mantua.text))]).toEqual(['1', '2', '3', '4'])
    expect(await withLink()).not.toBe(owner)
  }, 180_000)

  /** The gateway that has the link to mantua.test. */
  async function withLink(): Promise<ServerProcess> {
    for (const gateway of gateways) {
      const { code, output } = await gateway.cli(['federation', 'list', '--json'])
      if (code === 0 && /"state": "open/.test(output)) return gateway
    }
    throw new Error('No gateway has a link')
  }
})
