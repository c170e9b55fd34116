import { randomUUID } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Redis } from 'ioredis'
import { Client } from '../contract/client.ts'
import { now, ROMEO } from '../contract/setting.ts'
import type { Ended, Gap, Live, SessionEntry } from '../live.ts'
import { liveStats } from '../stats.ts'
import { redisLive } from './redis.ts'

const url = process.env['PARLEY_TEST_REDIS']
const PHONE = Jid.parse('juliet@a.test/phone')

/** The way of one node to Redis, which a test may break. */
class Tunnel {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  /** Swallows what the node says: it waits for answers that cannot come. */
  isMute = false

  constructor(target: string) {
    const path = decodeURIComponent(new URL(target).pathname)
    this.#server = createServer(inner => {
      const outer = connect(path)
      inner.on('data', bytes => this.isMute || outer.write(bytes))
      outer.on('data', bytes => inner.write(bytes))
      for (const socket of [inner, outer]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => [inner, outer].map(each => each.destroy()))
      }
    })
  }

  async open(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  break(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  close(): void {
    this.#server.close()
    this.break()
  }
}

/** A node, and what it tells its server. */
class Node {
  live!: Live
  readonly client = new Client()
  readonly ended: Ended[] = []
  readonly missed: SessionEntry[] = []
  readonly told = new Set<string>()

  static async open(at: string, prefix: string): Promise<Node> {
    const node = new Node()
    node.live = await redisLive({ url: at, prefix, every: () => () => {} })
    node.live.handle({
      ended: ended => {
        node.ended.push(ended)
        // A node that stops leaves the rest to others.
        Promise.resolve(node.live.finished(ended.entry.sid)).catch(() => undefined)
      },
      stray() {},
      missed: entries => node.missed.push(...entries),
      told: (_, text) => node.told.add(text),
      usable() {},
    })
    return node
  }
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise(resolve => setTimeout(resolve, 5))
}

if (url?.startsWith('unix:')) suite(url)
else test.todo('live state: faults of Redis: needs PARLEY_TEST_REDIS')

function suite(redis: string): void {
  describe('live state: faults of Redis', () => {
    let tunnel: Tunnel
    let prefix: string
    let node: Node
    let peer: Node

    beforeEach(async () => {
      tunnel = new Tunnel(redis)
      prefix = `test:${randomUUID()}:`
      node = await Node.open(await tunnel.open(), prefix)
      peer = await Node.open(redis, prefix)
    })
    afterEach(async () => {
      await Promise.all([node.live.stop(), peer.live.stop()])
      tunnel.close()
    })

    test('a call that was under way when the connection broke is made again at once', async () => {
      await node.live.open('s1', ROMEO, node.client)
      tunnel.isMute = true
      const counted = node.live.count()
      const began = performance.now()
      await new Promise(resolve => setImmediate(resolve))
      tunnel.isMute = false
      tunnel.break()
      expect(await counted).toBe(1)
      // Less than the time after which a call without an answer is given up.
      expect(performance.now() - began).toBeLessThan(3000)
    })

    test('a connection that breaks costs no session: nothing is lost while Redis lives', async () => {
      await node.live.open('s1', ROMEO, node.client)
      await node.live.enableQueue('s1', 60_000)
      for (let round = 1; round <= 3; round++) {
        expect(await node.live.inbound('s1', 1, round)).toBe('ok')
        tunnel.break()
        expect(await node.live.inbound('s1', 1, round)).toBe('ok')
      }
      expect(node.ended).toEqual([])
      expect(liveStats(node.live)?.redis?.fences).toBe(0)
    })

    test('a message that a node may not have heard is not overtaken: all wait in the log until it has been looked into', async () => {
      await node.live.open('s1', ROMEO, node.client)
      await node.live.update('s1', { presence: { priority: 0, show: '', xml: '', since: 0 } })
      await peer.live.sessionsNow(ROMEO.bare)
      tunnel.break()
      await until(() => node.missed.length > 0)
      expect(await peer.live.deliver('s1', now('<second/>', { owed: 2n }))).toBe('ok')
      expect(await node.live.deliver('s1', now('<first/>', { owed: 1n, fromLog: true }))).toBe('ok')
      peer.live.tell('settled', 'yes')
      await until(() => node.told.has('yes'))
      expect(node.client.xml).toBe('<first/>')
      expect(await node.live.caughtUp('s1')).toBe(false)
      expect(await node.live.deliver('s1', now('<second/>', { owed: 2n, fromLog: true }))).toBe('ok')
      expect(await node.live.caughtUp('s1')).toBe(true)
      expect(await node.live.deliver('s1', now('<third/>', { owed: 3n }))).toBe('ok')
      expect(node.client.xml).toBe('<first/><second/><third/>')
    })

    test('what a node was to finish when it died is finished by the one that tidies up behind it', async () => {
      const prober = lane(redis, prefix)
      await peer.live.open('s1', ROMEO, peer.client)
      const dead = (await peer.live.nodes()).find(({ own }) => own)!.node
      // The end is reported to the node that asks for it, which dies before it has told anybody.
      await prober.call(dead, 'close', 's1', '', 'mark')
      const [left, [report]] = (await prober.call('janitor', 'reap', dead, 32)) as [number, [readonly string[]]]
      expect([left, report.slice(0, 2)]).toEqual([0, ['s1', ROMEO.bare.text]])
      expect(await prober.call('janitor', 'reap', dead, 32)).toEqual([0, []])
      await prober.call('janitor', 'finished', 's1')
      expect(await prober.call('janitor', 'reap', 'janitor', 32)).toEqual([0, []])
      prober.close()
    })

    test('a node that was given up says nothing more: who took its sessions over has said it', async () => {
      const janitor = lane(redis, prefix)
      await peer.live.open('s2', PHONE, peer.client)
      await peer.live.enableQueue('s2', 60_000)
      await node.live.sessionsNow(PHONE.bare)
      const dead = (await node.live.nodes()).find(({ own }) => own)!.node
      tunnel.isMute = true
      const late = node.live.deliver('s2', now('<late/>'))
      const later = Promise.resolve(node.live.deliver('s2', now('<later/>')))
      await new Promise(resolve => setImmediate(resolve))
      await janitor.call('janitor', 'reap', dead, 32)
      tunnel.isMute = false
      tunnel.break()
      await expect(Promise.resolve(late)).rejects.toMatchObject({ code: 'fenced' })
      await expect(later).rejects.toMatchObject({ code: 'fenced' })
      // It goes on as another one.
      await node.live.sessionsNow(PHONE.bare)
      expect(await node.live.deliver('s2', now('<fresh/>'))).toBe('ok')
      await until(() => peer.client.xml !== '')
      expect(peer.client.xml).toBe('<fresh/>')
      janitor.close()
    })

    test('what is said late has no second effect, however much was said meanwhile', async () => {
      await node.live.open('s1', ROMEO, node.client)
      await node.live.enableQueue('s1', 60_000)
      expect(await node.live.deliver('s1', now('<first/>'))).toBe('ok')
      for (let n = 2; n <= 1200; n += 100) {
        const more = Array.from({ length: 100 }, (_, i) => node.live.deliver('s1', now(`<more n="${n + i}"/>`)))
        expect(new Set(await Promise.all(more))).toEqual(new Set(['ok']))
        expect(await node.live.acknowledge('s1', 1, n + 99)).toHaveLength(n === 2 ? 101 : 100)
      }
      expect(await peer.live.sessionsNow(ROMEO.bare)).toHaveLength(1)
      expect(await peer.live.deliver('s1', now('<first/>'))).toBe('dup')
    })

    test('Redis that was emptied while it ran: sessions end everywhere, and what they had is given back', async () => {
      await node.live.open('s1', ROMEO, node.client)
      await node.live.enableQueue('s1', 60_000)
      await peer.live.open('s2', PHONE, peer.client)
      await peer.live.enableQueue('s2', 60_000)
      for (const carbons of [true, false, true]) await node.live.update('s1', { carbons })
      await peer.live.sessionsNow(ROMEO.bare)
      await node.live.sessionsNow(PHONE.bare)
      expect(await node.live.deliver('s2', now('<a/>', { owed: 1n }))).toBe('ok')
      await until(() => peer.client.xml !== '')
      await empty(redis, prefix)
      await until(() => node.ended.length > 0 && peer.ended.length > 0)
      expect(node.client.why).toBe('lost')
      expect(node.live.gaps).toHaveLength(1)
      const [{ from, to }] = node.live.gaps as [Gap]
      expect([from < Date.now() - 4000, to > Date.now()]).toEqual([true, true])
      expect(peer.ended.map(({ entry, unacked }) => [entry.sid, unacked.map(({ xml }) => xml)])).toEqual([
        ['s2', ['<a/>']],
      ])
      expect(await node.live.resume('s1', ROMEO.bare, 0, node.client)).toBe('gone')
      const other = new Client()
      await node.live.open('s3', ROMEO, other)
      expect(await peer.live.sessions(ROMEO.bare)).toMatchObject([{ sid: 's3', carbons: false }])
      await node.live.update('s3', { carbons: true })
      node.live.tell('settled', 'yes')
      await until(() => peer.told.has('yes'))
      expect(await peer.live.sessions(ROMEO.bare)).toMatchObject([{ sid: 's3', carbons: true }])
    })
  })
}

/** Calls functions as any node. */
function lane(redis: string, prefix: string) {
  const client = new Redis({ path: decodeURIComponent(new URL(redis).pathname), protocol: 2 })
  return {
    async call(node: string, name: string, ...args: readonly (string | number)[]): Promise<unknown> {
      const [[, library]] = (await client.call('FUNCTION', 'LIST')) as [[string, string]]
      const head = [node, 0, 10, 10, 10, 10_000]
      const replies = (await client.call(
        'FCALL',
        library,
        1,
        `${prefix}{0}`,
        ...head,
        name,
        args.length,
        ...args,
      )) as unknown[]
      return replies[1]
    },
    close: () => client.disconnect(),
  }
}

/** What FLUSHALL does to the keys of these nodes alone. */
async function empty(redis: string, prefix: string): Promise<void> {
  const client = new Redis({ path: decodeURIComponent(new URL(redis).pathname), protocol: 2 })
  const keys = await client.keys(`${prefix}*`)
  await client.del(...keys)
  client.disconnect()
}
