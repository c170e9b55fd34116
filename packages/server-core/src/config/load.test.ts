import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { defineModule } from '../module.ts'
import { flag, integer, texts } from '../options.ts'
import { configKeys } from './keys.ts'
import { ConfigError, loadConfig } from './load.ts'

const ping = defineModule({
  name: 'ping-pong',
  config: { size: integer(3, 1, 9, 'a size'), loud: flag(false, 'noise'), names: texts([], 'names') },
  setup: () => ({}),
})
const modules = [ping]
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'))
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function load(yaml: string | undefined, env: Record<string, string> = {}) {
  if (yaml === undefined) return loadConfig({ env, modules })
  const file = join(folder, `${++files}.yaml`)
  await writeFile(file, yaml)
  return loadConfig({ file, env, modules })
}

async function problems(yaml: string | undefined, env: Record<string, string> = {}): Promise<readonly string[]> {
  const error = await load(yaml, env).then(
    () => new Error('Not refused'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ConfigError)) throw error
  return error.problems.map(line => line.replaceAll(folder, ''))
}

describe('a configuration', () => {
  test('of nothing has defaults', async () => {
    for (const config of [await load(undefined), await load(''), await load('# nothing\n')]) {
      expect([...config.domains.keys()]).toEqual(['localhost'])
      expect([config.registration, config.tls.client, config.limits.roster, config.log.level]).toEqual([
        'closed',
        'required',
        5000,
        'info',
      ])
    }
  })

  test('is what the file says, domains with their own settings', async () => {
    const config = await load(
      'domains:\n  A.test:\n    registration: open\n    admins: [b@a.test]\n  b.test:\nadmins: [boss@a.test]\nregistration: invite\nmodules:\n  ping-pong:\n    size: 4\n',
    )
    expect(config.domains.get('a.test')).toMatchObject({ registration: 'open', admins: ['boss@a.test', 'b@a.test'] })
    expect(config.domains.get('b.test')).toMatchObject({ registration: 'invite', admins: ['boss@a.test'] })
    expect(config.modules).toEqual({ 'ping-pong': { size: 4 } })
  })

  test('the environment wins over the file', async () => {
    const config = await load('domains: [a.test]\nlimits:\n  roster: 7\n  offline: 8\n', {
      PARLEY_DOMAINS: 'b.test, c.test',
      PARLEY_LIMITS_ROSTER: '9',
      PARLEY_LISTEN_CLIENT_TLS: ':6223',
      PARLEY_ANONYMOUS: 'true',
      PARLEY_MODULES_PING_PONG_SIZE: '5',
      PARLEY_MODULES_PING_PONG_LOUD: 'on',
      PARLEY_DATA: '',
      PARLEY_TEST_DATABASE: 'ignored',
      PARLEY_CONFIG: 'ignored',
      OTHER: 'ignored',
    })
    expect([...config.domains.keys()]).toEqual(['b.test', 'c.test'])
    expect([config.limits.roster, config.limits.offline, config.anonymous]).toEqual([9, 8, true])
    expect(config.listen.clientTls).toBe(':6223')
    expect(config.data).toBe('./data')
  })
})

describe('what is wrong is said in a line, with key, value and what is allowed', () => {
  test.each([
    ['colour: red', ['colour: there is no such key']],
    ['limits:\n  rosters: 5', ['limits.rosters: there is no such key']],
    ['registration: maybe', ['registration: "maybe" invalid option: expected one of "closed"|"invite"|"open"']],
    ['domains: []', [expect.stringMatching(/^domains: \[\] /)]],
    ['domains: ["a b"]', ['domains.0: "a b" must be a domain name']],
    ['admins: [nobody]', ['admins.0: "nobody" must be an address such as admin@example.org']],
    ['retention: soon', ['retention: "soon" must be a time such as 30s, 15m, 24h or 365d']],
    ['listen:\n  client: "5222"', [expect.stringMatching(/^listen\.client: "5222" must be \[host\]:port/)]],
    ['listen:\n  client: ":99999"', ['listen.client: ":99999" the port must be at most 65535']],
    ['limits:\n  roster: 0', [expect.stringMatching(/^limits\.roster: 0 too small/)]],
    ['tls:\n  minVersion: TLSv1.0', [expect.stringMatching(/^tls\.minVersion: "TLSv1\.0" invalid option/)]],
    ['modules:\n  pong: {}', ['modules.pong: there is no such module']],
    ['modules:\n  ping-pong:\n    size: 10', ['modules.ping-pong.size: must be a whole number from 1 to 9']],
    ['modules:\n  ping-pong:\n    weight: 10', ['modules.ping-pong.weight: unknown key']],
    ['modules:\n  ping-pong: 5', ['modules.ping-pong: must be a mapping of options']],
  ])('%j', async (yaml, lines) => {
    expect(await problems(yaml)).toEqual(lines)
  })

  test('all of it at once', async () => {
    expect((await problems('colour: red\nregistration: maybe\nretention: soon\n')).length).toBe(3)
  })

  test('the key of gateways is what its file would be, and is never shown', async () => {
    const line = (id: string) => `${id} ${Buffer.alloc(32, id).toString('base64')}`
    for (const text of [
      line('a1'),
      `${line('a1')}\n`,
      `${line('a1')}, ${line('b-2')}`,
      `${line('a1')}\n${line('b-2')}\n`,
    ])
      expect((await load('', { PARLEY_GATEWAY_KEY: text })).gateway.key).toBe(text)
    for (const text of ['hunter2', `${line('a1')} hunter2`, line('a1').slice(0, -2), ','])
      expect(await problems('', { PARLEY_GATEWAY_KEY: text })).toEqual([
        expect.stringMatching(/^gateway\.key: must be lines of an id and 32 bytes/),
      ])
  })

  test('a secret is named by its key alone', async () => {
    const lines = await problems('database: mysql://root:hunter2@x\ncomponents:\n  irc.a.test:\n    secret: hunter2\n')
    expect(lines.length).toBe(2)
    expect(lines.join()).not.toContain('hunter2')
  })

  test('contradictions', async () => {
    expect(await problems('listen:\n  client: ":5222"\n  https: "127.0.0.1:5222"\n')).toEqual([
      'listen.https: "127.0.0.1:5222" has the port of listen.client',
    ])
    expect(await problems('components:\n  irc.a.test:\n    secret: long enough\n')).toEqual([
      'components: need listen.component, such as "127.0.0.1:5347"',
    ])
    await load('listen:\n  client: ":0"\n  https: ":0"\n')
  })

  test('a part of the server needs what its parts share', async () => {
    const shared = { PARLEY_REDIS: 'redis://127.0.0.1:6379', PARLEY_DATABASE: 'postgres://db.test/parley' }
    expect(await problems('roles: [federation]\n')).toEqual([
      'roles: a part of the server needs redis, where it finds the others, such as "redis://127.0.0.1:6379"',
      'roles: a part of the server needs database, since the embedded engine serves one',
    ])
    expect((await load(undefined, { ...shared, PARLEY_ROLES: 'federation' })).roles).toEqual(['federation'])
    expect((await load(undefined)).roles).toEqual(['clients', 'federation', 'gateways'])
    expect(await problems('roles: []\n')).toEqual([expect.stringMatching(/^roles:/)])
    expect(await problems(undefined, { PARLEY_ROLES: 'clients,bakery' })).toEqual([
      expect.stringMatching(/^roles\.1: "bakery" .*"clients"\|"federation"/),
    ])
    // Components are known to all parts, and connect to one.
    await load('components:\n  irc.a.test:\n    secret: long enough\nroles: [federation]\n', shared)
  })

  test('a file that is no YAML, or not there', async () => {
    expect(await problems('domains: [a.test\nlog: {}\n')).toEqual([expect.stringMatching(/^\/\d+\.yaml line \d+: /)])
    expect(await problems('log: {}\nlog: {}\n')).toEqual([expect.stringMatching(/line \d: .*unique/i)])
    expect(await problems('- a\n- b\n')).toEqual([expect.stringMatching(/must be a mapping of keys to values$/)])
    expect(await problems('just a text')).toEqual([expect.stringMatching(/must be a mapping of keys to values$/)])
    await expect(loadConfig({ file: join(folder, 'none.yaml'), env: {}, modules })).rejects.toThrow(
      'none.yaml: cannot be read (ENOENT)',
    )
  })

  test('an alias bomb', async () => {
    expect(await problems('admins: &a [x@y]\ncontact: *a\n')).toEqual([expect.stringContaining('aliases (*name)')])
  })

  test('the environment', async () => {
    expect(await problems(undefined, { PARLEY_COLOUR: 'red' })).toEqual(['PARLEY_COLOUR: there is no such key'])
    expect(await problems(undefined, { PARLEY_LIMITS_ROSTER: 'many' })).toEqual([
      expect.stringMatching(/^limits\.roster: "many" /),
    ])
  })
})

describe('the list of keys', () => {
  const keys = configKeys(modules)
  const byVariable = new Map(keys.map(key => [key.variable, key]))

  test('has every key once, with its variable', () => {
    expect(byVariable.size).toBe(keys.length)
    expect(byVariable.get('PARLEY_LISTEN_CLIENT_TLS')?.path).toEqual(['listen', 'clientTls'])
    expect(byVariable.get('PARLEY_MODULES_PING_PONG_SIZE')).toMatchObject({
      path: ['modules', 'ping-pong', 'size'],
      allowed: 'a whole number from 1 to 9',
      fallback: 3,
      help: 'a size',
    })
  })

  test('says what is allowed, and what holds without it', () => {
    expect(byVariable.get('PARLEY_REGISTRATION')).toMatchObject({
      allowed: 'closed | invite | open',
      fallback: 'closed',
    })
    expect(byVariable.get('PARLEY_LIMITS_RESOURCES')).toMatchObject({ type: 'number', allowed: '1 to 1000' })
    expect(byVariable.get('PARLEY_LISTEN_CLIENT')?.fallback).toBe(':5222')
  })
})
