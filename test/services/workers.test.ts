import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import { History, judge, Receiver, Sender } from '../faults/players.ts'
import { Child } from '../interop/child.ts'
import { eventually } from '../interop/eventually.ts'
import { withProgram } from '../interop/programs.ts'
import { freePort } from '../ports.ts'
import { ServerProcess } from './process.ts'

const PAIRS = 6
const WORKERS = 2

interface Row {
  readonly node: string
  readonly name: string
  readonly state: string
  readonly sessions: number
  readonly process: number
}

withProgram('redis-server', 'two workers on one port', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-workers-'))
  let redis: Child
  let server: ServerProcess
  let port: number
  let http: number
  const pairs = Array.from({ length: PAIRS }, (_, n) => {
    const history = new History()
    return { history, sender: new Sender(history, `from${n}`, `to${n}`), receiver: new Receiver(history, `to${n}`) }
  })
  const everybody = pairs.flatMap(({ receiver, sender }) => [receiver, sender])

  beforeAll(async () => {
    const socket = join(folder, 'redis.sock')
    const settings = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder]
    redis = new Child('redis-server', ['--port', '0', '--unixsocket', socket, ...settings])
    await redis.prints('ready to accept connections')
    const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    port = await freePort()
    http = await freePort()
    server = new ServerProcess({
      PARLEY_DATABASE: url,
      PARLEY_REDIS: `unix://${socket}`,
      PARLEY_WORKERS: String(WORKERS),
      PARLEY_LISTEN_CLIENT_TLS: `127.0.0.1:${port}`,
      PARLEY_LISTEN_HTTP: `127.0.0.1:${http}`,
      PARLEY_LIMITS_CONNECTIONS: '0',
      PARLEY_LIMITS_LOGINS: '0',
      PARLEY_LIMITS_STANZAS: '0',
      PARLEY_AUTH_ITERATIONS: '4096',
    })
    await server.start()
    await eventually('all workers serve', async () => (await nodes()).length === WORKERS, {
      within: 40_000,
      seen: () => server.output,
    })
    for (let n = 0; n < PAIRS; n++) {
      for (const name of [`from${n}`, `to${n}`]) await server.user(`${name}@localhost`, 'secret')
    }
    for (const player of everybody) await player.connect(port)
  })

  afterAll(async () => {
    for (const player of everybody) player.close()
    await server?.remove()
    await redis?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  async function nodes(): Promise<readonly Row[]> {
    const { output } = await server.cli(['cluster', 'status', '--json'])
    return ((JSON.parse(output) as { rows: Row[] }).rows ?? []).filter(({ state }) => state === 'serving')
  }

  const acknowledged = () => Math.min(...pairs.map(({ history }) => history.acknowledged.size))

  /** Whoever has no connection comes back, as clients do. */
  async function goOn(what: string, more: number): Promise<void> {
    const enough = acknowledged() + more
    await eventually(
      what,
      async () => {
        await Promise.all(everybody.map(player => player.isOpen || player.connect(port).catch(() => undefined)))
        return acknowledged() >= enough
      },
      { within: 40_000 },
    )
  }

  test('connections are shared among them', async () => {
    await goOn('messages go', 50)
    await eventually('the sessions are counted', async () => {
      const rows = await nodes()
      return rows.reduce((sum, { sessions }) => sum + sessions, 0) === everybody.length
    })
  })

  test('a worker that is killed is started again, and its clients go on', async () => {
    const [victim] = await nodes()
    process.kill(victim!.process, 'SIGKILL')
    await goOn('messages go on', 100)
    await eventually(
      'there are as many workers as before, and nobody takes the other one for alive',
      async () => {
        const rows = await nodes()
        return rows.length === WORKERS && !rows.some(({ node }) => node === victim!.node)
      },
      { within: 30_000 },
    )
  })

  test('workers are replaced one after another under load: nobody fails to resume', async () => {
    for (const { node } of await nodes()) {
      const { code, output } = await server.cli(['cluster', 'drain', node])
      expect([code, output]).toEqual([0, expect.stringContaining('sends its clients away')])
      await goOn('messages go on', 100)
      await eventually(
        'another one serves',
        async () => {
          const rows = await nodes()
          return rows.length === WORKERS && !rows.some(row => row.node === node)
        },
        { within: 30_000 },
      )
    }
    expect(pairs.flatMap(({ history }) => history.reasons)).toEqual([])
  })

  test('metrics tell of all of them', async () => {
    const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text()
    const workers = [...text.matchAll(/^parley_draining\{worker="(\d+)"\}/gm)]
    expect(new Set(workers.map(match => match[1])).size).toBe(WORKERS)
    expect(text.endsWith('# EOF\n')).toBe(true)
  })

  test('what is read again is read by all of them', async () => {
    const before = server.output.split('read again').length
    const { code } = await server.cli(['reload'])
    expect(code).toBe(0)
    await eventually('both have read', () => server.output.split('read again').length === before + WORKERS, {
      within: 2000,
    })
  })

  test('a new password ends the sessions of the account, wherever they are', async () => {
    for (const { sender } of pairs) sender.stop()
    await eventually('everything has come', async () => {
      await goOn('everybody is there', 0)
      for (const { sender } of pairs) sender.ask()
      return pairs.every(({ sender, history }) => sender.pending === 0 && history.received.length >= sender.sent)
    })
    const { receiver } = pairs[0]!
    expect(receiver.isOpen).toBe(true)
    await server.cli(['user', 'passwd', 'to0@localhost'], 'another\n')
    await eventually('the client is sent away', () => !receiver.isOpen, { within: 2000 })
  })

  test('nothing was lost, doubled or inverted', () => {
    expect(pairs.map(({ history }) => judge(history)).map(({ acknowledged: _, ...verdict }) => verdict)).toEqual(
      pairs.map(() => ({ lost: [], doubled: [], inverted: 0 })),
    )
  })
})
