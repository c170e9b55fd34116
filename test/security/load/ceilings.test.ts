import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import { Node } from './machines.ts'
import { Wired } from './wired.ts'

const here = dirname(fileURLToPath(import.meta.url))
const DEAF = 16
const LONG = process.env['PARLEY_FUZZ'] === 'full'

/** Connections a second for so many seconds, as fast as this machine makes them; gives how many there were. */
function storm(port: number, perSecond: number, seconds: number): Promise<number> {
  const args = [join(here, 'storm.mjs'), String(port), String(perSecond), String(seconds)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', chunk => (text += String(chunk)))
  return new Promise(resolve => child.on('exit', () => resolve(Number(text))))
}

/** Pings again and again while something goes on; gives the times that most of them took, in order. */
async function pingsDuring(client: Wired, task: Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = []
  let isOver = false
  void task.finally(() => {
    isOver = true
  })
  while (!isOver) {
    times.push(await client.pings())
    await pause(10)
  }
  return times.sort((a, b) => a - b)
}

const quantile = (sorted: readonly number[], q: number) => sorted[Math.floor(sorted.length * q)]!

describe('more than a process can take', () => {
  let database: ScratchDatabase
  let node: Node
  const open = async (env: Readonly<Record<string, string>>, ...wrapper: string[]) => {
    node = await Node.open({ PARLEY_DATABASE: database.url, ...env }, undefined, wrapper)
    await node.users('romeo', 'juliet')
  }
  const openFiles = () => readdirSync(`/proc/${node.process.pid}/fd`).length

  beforeEach(async () => {
    database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
  })
  afterEach(async () => {
    await node?.remove()
    await database?.drop()
  })

  test('threat 173: who is there notices little of a storm of connections, and who is quick still gets in', async () => {
    await open({})
    const romeo = await Wired.join(node.port, 'romeo/orchard')
    const raging = storm(node.port, 10_000, LONG ? 20 : 3)
    const joining = pause(1000).then(() => Wired.join(node.port, 'juliet/balcony'))
    const times = await pingsDuring(romeo, raging)

    expect(await raging).toBeGreaterThan(3000)
    expect(quantile(times, 0.99)).toBeLessThan(1000)
    expect(await (await joining).pings()).toBeLessThan(1000)
    expect(node.complaints(/./)).toEqual([])
  })

  test('threat 174: files are never all used up: room is made for newcomers, and for the server itself', async () => {
    await open({}, 'sh', '-c', 'ulimit -n 1000; exec "$@"', 'sh')
    const romeo = await Wired.join(node.port, 'romeo/orchard')
    const raging = storm(node.port, 2000, 2)
    const joining = pause(1000).then(() => Wired.join(node.port, 'juliet/balcony'))
    const times = await pingsDuring(romeo, raging)

    expect(await raging).toBeGreaterThan(1000)
    expect(quantile(times, 0.99)).toBeLessThan(1000)
    expect(await (await joining).pings()).toBeLessThan(1000)
    expect(openFiles()).toBeLessThan(900)
    expect(node.complaints(/no room for more connections/)).toHaveLength(1)
    // The command line, and what it needs of the database.
    expect((await node.process.cli(['user', 'add', 'benvolio@localhost'], 'secret\n')).code).toBe(0)
  })

  test('threat 174: memory is never all used up: who takes most of it gives way', async () => {
    await open({ NODE_OPTIONS: '--max-old-space-size=64' })
    const romeo = await Wired.join(node.port, 'romeo/orchard')
    const deaf: Wired[] = []
    for (let n = 0; n < DEAF; n++) {
      const client = await Wired.join(node.port, `juliet/deaf${n}`)
      await client.counts()
      client.socket.pause()
      deaf.push(client)
    }
    const body = 'x'.repeat(100_000)
    for (let n = 0; n < 60; n++) {
      for (const { jid } of deaf) {
        romeo.write(`<message to="${jid}"><body>${body}</body><no-store xmlns="urn:xmpp:hints"/></message>`)
      }
      await romeo.pings()
    }
    expect(node.memory).toBeLessThan(512)
    const answers = romeo.inbox.splice(0).filter(({ name }) => name === 'message')
    // Some sessions are gone, and others have what was sent to them.
    expect(answers.length).toBeGreaterThan(100)
    expect(answers.length).toBeLessThan(60 * DEAF)
    expect(await romeo.pings()).toBeLessThan(1000)
    for (const client of deaf) client.leave()
  })
})
