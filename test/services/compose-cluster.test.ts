import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import { History, judge, Receiver, Sender } from '../faults/players.ts'
import { Child } from '../interop/child.ts'
import { eventually } from '../interop/eventually.ts'
import { withProgram } from '../interop/programs.ts'
import { freePort } from '../ports.ts'
import { compose, environmentOf } from './compose-file.ts'
import { root, ServerProcess } from './process.ts'

/** From here the proxy speaks to the front ends. */
const PROXY = '127.0.0.9'
const FRONTENDS = 3
const PAIRS = 6

interface Doors {
  readonly clientTls: number
  readonly http: number
}

withProgram(['haproxy', 'redis-server'], 'docker compose up --scale frontend=3, as processes on this machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-compose-'))
  const servers: ServerProcess[] = []
  let redis: Child
  let haproxy: Child
  let front: number

  beforeAll(async () => {
    const socket = join(folder, 'redis.sock')
    // What the file says, on a socket of this test.
    const [program = '', ...settings] = compose.services['redis']!.command!
    redis = new Child(program, [...settings, '--port', '0', '--unixsocket', socket, '--dir', folder])
    await redis.prints('ready to accept connections')
    const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    const doors: Doors[] = []
    for (let n = 0; n < FRONTENDS; n++) {
      const { PARLEY_DATA: _data, PARLEY_CONTROL: _control, ...environment } = environmentOf('frontend')
      const [client, clientTls = 0, http = 0, https] = await Promise.all([1, 2, 3, 4].map(() => freePort()))
      const server = new ServerProcess({
        ...environment,
        PARLEY_DOMAINS: 'localhost',
        PARLEY_DATABASE: url,
        PARLEY_REDIS: `unix://${socket}`,
        PARLEY_LISTEN_CLIENT: `127.0.0.1:${client}`,
        PARLEY_LISTEN_CLIENT_TLS: `127.0.0.1:${clientTls}`,
        PARLEY_LISTEN_HTTP: `127.0.0.1:${http}`,
        PARLEY_LISTEN_HTTPS: `127.0.0.1:${https}`,
        PARLEY_TRUSTED_PROXIES: PROXY,
      })
      servers.push(server)
      doors.push({ clientTls, http })
      await server.start()
    }
    front = await freePort()
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(file, configuration(doors))
    haproxy = new Child('haproxy', ['-db', '-f', file])
    const up = () => new Set(haproxy.output.match(/frontend\d (?:is UP|check succeeded)|\/frontend\d succeeded/g)).size
    await eventually('the proxy finds all front ends', () => up() === FRONTENDS, { seen: () => haproxy.output })
  })

  afterAll(async () => {
    await haproxy?.end()
    for (const server of servers) await server.remove()
    await redis?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** deploy/haproxy.cfg with the front ends of this test instead of those that Docker's DNS names. */
  function configuration(doors: readonly Doors[]): string {
    const text = readFileSync(join(root, 'deploy/haproxy.cfg'), 'utf8')
    const defaults = text.slice(text.indexOf('global'), text.indexOf('resolvers docker\n'))
    const servers = doors.map(
      ({ clientTls, http }, n) =>
        `  server frontend${n} 127.0.0.1:${clientTls} source ${PROXY} check port ${http} inter 300`,
    )
    return [
      defaults
        .replace(/ check port 5280 inter 2s/, '')
        .replace(/ resolvers docker init-addr none/, '')
        .replace('local0 notice', 'local0')
        .replace('option redispatch', 'option redispatch\n  option log-health-checks'),
      `listen client-tls\n  bind 127.0.0.1:${front}`,
      ...servers,
      '',
    ].join('\n')
  }

  test('one of three front ends is killed: nobody loses a message', async () => {
    const pairs = Array.from({ length: PAIRS }, (_, n) => {
      const history = new History()
      return {
        history,
        sender: new Sender(history, `from${n}`, `to${n}`),
        receiver: new Receiver(history, `to${n}`),
      }
    })
    for (let n = 0; n < PAIRS; n++) {
      for (const name of [`from${n}`, `to${n}`]) await servers[0]!.user(`${name}@localhost`, 'secret')
    }
    /** Whoever has no connection comes back through the proxy, as clients do. */
    const everybody = pairs.flatMap(({ receiver, sender }) => [receiver, sender])
    const comeBack = () =>
      Promise.all(everybody.map(player => player.isOpen || player.connect(front).catch(() => undefined)))
    const until = (what: string, condition: () => boolean) =>
      eventually(
        what,
        async () => {
          await comeBack()
          return condition()
        },
        {
          within: 30_000,
          seen: () =>
            JSON.stringify(
              pairs.map(({ sender, receiver, history }) => [
                sender.sent,
                sender.pending,
                sender.isOpen,
                receiver.isOpen,
                history.received.length,
                new Set(history.received).size,
                history.resumes,
                history.failures,
              ]),
            ) +
            servers
              .map(({ output }) =>
                output
                  .split('\n')
                  .filter(l => /warn|error/.test(l))
                  .slice(-12)
                  .join('\n'),
              )
              .join('\n====\n'),
        },
      )
    const acknowledged = () => Math.min(...pairs.map(({ history }) => history.acknowledged.size))

    for (const { receiver } of pairs) await receiver.connect(front)
    await until('messages go', () => acknowledged() >= 50)
    for (const victim of servers.slice(0, 2)) {
      await victim.stop('SIGKILL')
      const enough = acknowledged() + 100
      await until('messages go on without it', () => acknowledged() >= enough)
      await victim.start()
    }
    for (const { sender } of pairs) sender.stop()
    await until('everything has come', () => {
      for (const { sender } of pairs) sender.ask()
      return pairs.every(({ sender, history }) => sender.pending === 0 && history.received.length >= sender.sent)
    })
    const verdicts = pairs.map(({ history }) => judge(history))
    const resumes = pairs.reduce((sum, { history }) => sum + history.resumes, 0)
    const failures = pairs.reduce((sum, { history }) => sum + history.failures, 0)
    console.log(`${verdicts.reduce((sum, { acknowledged }) => sum + acknowledged, 0)} messages, ${resumes} resumptions`)
    for (const player of everybody) player.close()
    expect(verdicts.map(({ lost, doubled, inverted }) => ({ lost, doubled, inverted }))).toEqual(
      verdicts.map(() => ({ lost: [], doubled: [], inverted: 0 })),
    )
    expect(resumes).toBeGreaterThan(0)
    expect(failures).toBe(0)
  }, 180_000)
})
