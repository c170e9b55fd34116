import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from '../ports.ts'
import { Child } from './child.ts'
import { eventually } from './eventually.ts'
import { withProgram } from './programs.ts'
import { DOMAIN, type Ports, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

/** From here HAProxy speaks to the server, so that its address is not that of its clients. */
const PROXY = '127.0.0.9'
const CLIENT = '127.0.0.1'
const FRONTS = 5

withProgram('haproxy', 'HAProxy', () => {
  let stage: Stage
  let haproxy: Child
  let fronts: Ports & { readonly v1: number }
  const clients: XmppClient[] = []

  beforeAll(async () => {
    stage = await Stage.open({
      PARLEY_TRUSTED_PROXIES: PROXY,
      PARLEY_LOG_LEVEL: 'debug',
      PARLEY_LIMITS_LOGINS: '0',
    })
    const [client, clientTls, http, https, v1] = await Promise.all([1, 2, 3, 4, 5].map(() => freePort()))
    fronts = { client: client!, clientTls: clientTls!, http: http!, https: https!, v1: v1! }
    const file = join(stage.folder('haproxy'), 'haproxy.cfg')
    writeFileSync(file, configuration())
    haproxy = new Child('haproxy', ['-db', '-f', file])
    await eventually('HAProxy finds the server healthy', () => checked() === FRONTS, {
      seen: () => haproxy.output,
    })
  })

  afterAll(async () => {
    for (const client of clients) await client.end()
    await haproxy?.end()
    await stage?.close()
  })

  /** How many fronts have found the server healthy. */
  const checked = () => new Set(haproxy.output.match(/Health check for server \w+\/parley succeeded/g)).size

  function configuration(): string {
    const to = (port: number, options: string) =>
      `server parley 127.0.0.1:${port} source ${PROXY} check inter 200 ${options}`
    const tcp = (name: string, front: number, port: number, options: string) =>
      `listen ${name}\n  mode tcp\n  bind 127.0.0.1:${front}\n  ${to(port, options)}\n`
    return `${[
      'global\n  stats timeout 5s',
      'defaults\n  log stdout format raw local0\n  option log-health-checks\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s',
      tcp('client', fronts.client, stage.ports.client, 'send-proxy-v2 proxy-v2-options crc32c,unique-id'),
      tcp('v1', fronts.v1, stage.ports.client, 'send-proxy'),
      tcp('clientTls', fronts.clientTls, stage.ports.clientTls, 'send-proxy-v2'),
      tcp('https', fronts.https, stage.ports.https, 'send-proxy-v2'),
      `listen http\n  mode http\n  bind 127.0.0.1:${fronts.http}\n  option forwardfor`,
      '  http-request set-header X-Forwarded-Proto https\n  option httpchk GET /health/ready',
      `  ${to(stage.ports.http, '')}`,
    ].join('\n')}\n`
  }

  /** What the log says of the logins since `mark`. */
  const logins = (mark: number) =>
    stage.server.output
      .slice(mark)
      .split('\n')
      .slice(0, -1)
      .filter(line => line.includes('"authenticated"'))
      .map(line => (JSON.parse(line) as { address: string }).address)

  test.each([
    ['STARTTLS, version 2', () => `xmpp://${DOMAIN}:${fronts.client}`],
    ['STARTTLS, version 1', () => `xmpp://${DOMAIN}:${fronts.v1}`],
    ['direct TLS', () => `xmpps://${DOMAIN}:${fronts.clientTls}`],
    ['WebSocket over HTTPS, which HAProxy hands on', () => `wss://${DOMAIN}:${fronts.https}/ws`],
    ['WebSocket over HTTP, which HAProxy reads', () => `ws://${DOMAIN}:${fronts.http}/ws`],
  ])('%s: the server knows the client’s address', async (_, service) => {
    const mark = stage.server.output.length
    const client = new XmppClient(stage, 'romeo', service())
    clients.push(client)
    await client.start()
    await eventually('the login is in the log', () => logins(mark).length > 0)
    expect(logins(mark)).toEqual([CLIENT])
  })

  test('health checks leave no complaint behind', async () => {
    expect(haproxy.output).not.toMatch(/ DOWN|failed/)
    expect(stage.server.output).not.toContain('did not say whose connection it is')
  })

  test('past HAProxy, with its address, nobody gets in', async () => {
    const mark = stage.server.output.length
    const socket = connect({ host: '127.0.0.1', port: stage.ports.client, localAddress: PROXY })
    socket.on('error', () => {})
    socket.write('<stream:stream>')
    await new Promise(resolve => socket.on('close', resolve).resume())
    await eventually('the server complains', () =>
      stage.server.output.slice(mark).includes('did not say whose connection it is'),
    )
  })
})
