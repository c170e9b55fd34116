import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { scratchDatabase } from '@parley/store'
import { freePort } from '../ports.ts'
import { ServerProcess } from '../services/process.ts'
import { History, judge, Receiver, Sender } from './players.ts'

const KILLS = 20
/** Beyond what a test may take: a wait that long is a failure. */
const PATIENCE = 20_000

let server: ServerProcess | undefined
afterEach(async () => {
  await server?.remove()
  server = undefined
})

/** Pauses between kills differ from run to run; the seed is printed with a failure. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + PATIENCE
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not happen`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** The store of this round: the embedded engine, or the PostgreSQL server that the runner has named. */
async function environment(port: number): Promise<Record<string, string>> {
  const common = {
    PARLEY_LISTEN_CLIENT_TLS: `127.0.0.1:${port}`,
    PARLEY_LIMITS_CONNECTIONS: '0',
    PARLEY_LIMITS_LOGINS: '0',
    PARLEY_LIMITS_STANZAS: '0',
    PARLEY_AUTH_ITERATIONS: '4096',
  }
  if (process.env['PARLEY_TEST_POSTGRES'] !== process.env['PARLEY_TEST_DATABASE']) return common
  const { url } = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
  return { ...common, PARLEY_DATABASE: url }
}

/** The embedded engine outlives a killed server; now and then it dies too. */
function killEngine(folder: string): void {
  const file = join(folder, 'data/postgres/postmaster.pid')
  if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL')
}

describe('kill -9 in the middle of a stream of messages', () => {
  test(`${KILLS} kills: what was acknowledged is there, once, in order`, async () => {
    const seed = Date.now() % 1_000_000
    const dice = random(seed)
    const port = await freePort()
    server = new ServerProcess(await environment(port))
    await server.start()
    await server.user('alice@localhost', 'secret')
    await server.user('bob@localhost', 'secret')
    const history = new History()
    const sender = new Sender(history)
    const receiver = new Receiver(history)
    for (let kill = 0; kill < KILLS; kill++) {
      await receiver.connect(port)
      await sender.connect(port)
      const enough = history.acknowledged.size + 20 + Math.floor(dice() * 400)
      await until(
        () => history.acknowledged.size >= enough,
        `round ${kill} of seed ${seed}: ${enough} acknowledgements`,
      )
      await server.stop('SIGKILL')
      if (kill % 3 === 2) killEngine(server.folder)
      sender.close()
      receiver.close()
      await server.start()
    }
    await receiver.connect(port)
    await sender.connect(port)
    sender.stop()
    await until(() => {
      sender.ask()
      return sender.pending === 0 && history.received.length >= sender.sent
    }, `the end of seed ${seed}`)
    sender.close()
    receiver.close()
    const { acknowledged, ...verdict } = judge(history)
    console.log(
      `${KILLS} kills, ${acknowledged} messages acknowledged, ${history.received.length} received (seed ${seed})`,
    )
    expect({ seed, ...verdict }).toEqual({ seed, lost: [], doubled: [], inverted: 0 })
    expect(acknowledged).toBe(sender.sent)
  }, 300_000)
})

describe('the checker', () => {
  test('finds what is lost, doubled and inverted', () => {
    const history = new History()
    for (const number of [0, 1, 2, 3]) history.acknowledged.add(number)
    history.received.push(0, 2, 1, 2)
    expect(judge(history)).toEqual({ acknowledged: 4, lost: [3], doubled: [2], inverted: 1 })
  })
})
