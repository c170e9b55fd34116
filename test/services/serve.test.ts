import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { DnsServer } from '@parley/testkit'
import { issue } from '../../packages/wire/test/issue.ts'
import { eventually } from '../interop/eventually.ts'
import { freePort } from '../ports.ts'
import { ServerProcess } from './process.ts'

describe('parley serve, and the commands beside it', () => {
  let server: ServerProcess

  beforeAll(async () => {
    server = new ServerProcess({ PARLEY_LISTEN_CLIENT: `127.0.0.1:${await freePort()}`, PARLEY_REGISTRATION: 'invite' })
    await server.start()
  })
  afterAll(() => server.remove())

  test('accounts are added, shown, changed, disabled and deleted', async () => {
    const steps: [string[], string][] = [
      [['user', 'add', 'romeo@localhost'], 'romeo@localhost can log in now'],
      [['user', 'add', 'romeo@localhost'], 'That name is taken'],
      [['user', 'passwd', 'romeo@localhost'], 'The password of romeo@localhost is changed'],
      [['user', 'disable', 'romeo@localhost'], 'romeo@localhost is disabled'],
      [['user', 'show', 'romeo@localhost'], 'disabled'],
      [['user', 'list'], 'romeo@localhost'],
      [['user', 'delete', 'romeo@localhost'], 'romeo@localhost is deleted'],
      [['user', 'show', 'romeo@localhost'], 'There is no account romeo@localhost'],
      [['user', 'show', 'romeo@elsewhere.test'], 'elsewhere.test is not hosted here; hosted: localhost'],
      [['invite', '--uses', '2'], 'xmpp:localhost?register;preauth='],
      [['reload'], 'Certificates and log level are read again'],
      [['status'], 'sessions: 0'],
      [['version'], '0.1.0'],
    ]
    for (const [args, answer] of steps) expect((await server.cli(args, 'secret\n')).output).toContain(answer)
  })

  test('passwords are never on the command line of another process, nor in the log', async () => {
    await server.cli(['user', 'add', 'juliet@localhost'], 'tell-nobody\n')
    expect(server.output).not.toContain('tell-nobody')
  })

  test('the socket belongs to the user of the server alone', () => {
    expect(statSync(join(server.folder, 'data/parley.sock')).mode & 0o777).toBe(0o600)
  })

  test('a second server on the same data is refused and told who has it', async () => {
    const second = new ServerProcess(
      { ...server.env, PARLEY_LISTEN_CLIENT: `127.0.0.1:${await freePort()}` },
      server.folder,
    )
    await expect(second.start()).rejects.toThrow(new RegExp(`is in use by parley ${server.pid} on `))
  })

  test('`check` finds the running server and its certificate', async () => {
    const { code, output } = await server.cli(['check'])
    expect(output).toMatch(/server\s+ok\s+is running/)
    expect(output).toMatch(/certificate localhost\s+warning\s+self-signed/)
    expect(code).toBe(0)
  })

  test('`check` tells whether other servers find the way here, and whether the certificate names what they look for', async () => {
    const dns = await DnsServer.start()
    const other = new ServerProcess({
      PARLEY_DOMAINS: 'a.test,b.test',
      PARLEY_LISTEN_SERVER: '127.0.0.1:5270',
      PARLEY_FEDERATION_DNS: dns.address,
    })
    const { cert, key } = await issue({ dns: 'a.test', issuer: await issue({ subject: 'CN=authority' }) })
    const certificates = join(other.folder, 'data/certificates')
    mkdirSync(certificates, { recursive: true })
    for (const domain of ['a.test', 'b.test']) {
      writeFileSync(join(certificates, `${domain}.pem`), cert)
      writeFileSync(join(certificates, `${domain}.key`), key)
    }
    dns.srv('_xmpp-server._tcp.a.test', { port: 5270, target: 'host.test' })
    dns.srv('_xmpp-server._tcp.b.test', { port: 5269, target: 'host.test' })
    try {
      const { code, output } = await other.cli(['check'])
      const line = (what: string, rest: string) =>
        expect(output).toMatch(new RegExp(`^${what.replaceAll('.', '\\.')} +${rest}`, 'm'))
      line('DNS _xmpp-server._tcp.a.test', 'ok +host.test:5270')
      line('DNS _xmpp-server._tcp.b.test', 'warning +host.test:5269: none has port 5270; add: ')
      line('DNS _xmpp-server._tcp.conference.a.test', 'warning +none; add: _xmpp-server._tcp.conference.a.test. ')
      line('certificate a.test', '(ok|warning) +')
      line('certificate b.test', 'problem +is for a.test: nobody takes it for b.test')
      line('certificate conference.a.test', 'warning +the certificate does not name it')
      expect(code).toBe(1)
    } finally {
      await other.remove()
      await dns.stop()
    }
  })

  test('a file that cannot be read again at SIGHUP is told of, and stops nothing', async () => {
    const file = join(server.folder, 'parley.yaml')
    writeFileSync(file, 'limits: { conections: 3 }\n')
    process.kill(server.pid, 'SIGHUP')
    await eventually('a word about it', () => server.output.includes('the configuration cannot be read again'))
    rmSync(file)
    expect((await server.cli(['status'])).output).toContain('sessions: 0')
  })

  test('stops in order, and starts again with what it had', async () => {
    expect(await server.stop('SIGINT')).toBe(0)
    const began = performance.now()
    await server.start()
    // Three seconds are promised for a machine that does nothing else.
    expect(performance.now() - began).toBeLessThan(30_000)
    expect((await server.cli(['user', 'list'])).output).toContain('juliet@localhost')
  })
})

describe('a configuration that cannot be used', () => {
  test('stops the start with one line for each key: its value, and what is allowed', async () => {
    const server = new ServerProcess({
      PARLEY_LISTEN_CLIENT: '5222',
      PARLEY_REGISTRATION: 'sometimes',
      PARLEY_NONSENSE: '1',
    })
    await expect(server.start()).rejects.toThrow(/PARLEY_NONSENSE: there is no such key/)
    expect(server.output).toMatch(/listen\.client: "5222" must be \[host\]:port/)
    expect(server.output).toMatch(/registration: "sometimes" .*"closed"\|"invite"\|"open"/)
    await server.remove()
  })

  test('and so does a file', async () => {
    const server = new ServerProcess()
    const file = join(server.folder, 'parley.yaml')
    writeFileSync(file, 'domains: [localhost]\nlimits: { conections: 3 }\n')
    const { code, output } = await server.cli(['--config', file, 'check'])
    expect([code, output]).toEqual([1, expect.stringContaining('limits.conections: there is no such key')])
    await server.remove()
  })

  test('commands without a server say how to start one', async () => {
    const server = new ServerProcess()
    const { code, output } = await server.cli(['user', 'list'])
    expect([code, output]).toEqual([1, expect.stringContaining('start it with "npm start"')])
    await server.remove()
  })
})
