#!/usr/bin/env node
// node --expose-gc scripts/gateways.mjs [sessions | neighbours]: what sessions of gateways cost, how they start, and what an adapter that
// misbehaves costs everybody else. On the loopback network and a database of its own; needs a build.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { openEngine } from '../packages/gateway/dist/index.js'
import loopback from '../packages/gateway-loopback/dist/index.js'
import { memoryLive } from '../packages/live/dist/index.js'
import { silentLogger, systemClock } from '../packages/server-core/dist/index.js'
import { openStore, scratchDatabase, startScratchCluster } from '../packages/store/dist/index.js'

const SESSIONS = Number(process.argv[2]) || 10_000
/** Time runs so many times as fast while sessions start: the ramp alone takes minutes. */
const FASTER = 10
const PROBE_SECONDS = 15
const KIB = 1024
const SPAN = 10_000
const KINDS = ['hang', 'throw', 'leak', 'leak-buffers', 'flood', 'spin']

const folder = await mkdtemp(join(tmpdir(), 'parley-gateways-'))
const cluster = await startScratchCluster(join(folder, 'postgres'))
try {
  if (process.argv[2] !== 'neighbours') {
    await sessions(0)
    await sessions(1)
  }
  await neighbours()
} finally {
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
}

/** Heap of this thread when what is not needed is gone. */
async function heap() {
  for (let round = 0; round < 5; round++) {
    globalThis.gc()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return process.memoryUsage().heapUsed
}

async function open(threads, clock, settings = {}) {
  const { url } = await scratchDatabase(cluster.adminUrl)
  const store = await openStore({ url, data: '', fsync: false, exclusive: false })
  const record = { id: 'loop', adapter: 'loopback', enabled: true, verification: 'everyone', seats: false, rooms: true }
  const providers = new Map([['loop', { ...record, alwaysOn: true, patience: 60_000, settings }]])
  const engine = await openEngine({
    adapters: [{ id: 'loopback', module: '@parley/gateway-loopback', load: async () => loopback }],
    store,
    live: memoryLive(),
    clock,
    log: silentLogger,
    domains: ['a.test'],
    providers: () => providers,
    hear: () => {},
    data: folder,
    net: { allow: [] },
    threads,
  })
  const close = async () => {
    await engine.stop()
    await store.close()
  }
  return { engine, store, providers, close }
}

function keyOf(index) {
  return { provider: 'loop', owner: `user${index}@a.test` }
}

/** So many accounts, in lots that a database likes. */
async function register(engine, count) {
  for (let from = 0; from < count; from += 100) {
    const lot = Array.from({ length: Math.min(100, count - from) }, (_, index) => from + index)
    await Promise.all(
      lot.map(index => engine.register(keyOf(index), { name: `user${index}` }, { password: `password ${index}` })),
    )
  }
}

/** What sessions take, and how many start in a second. */
async function sessions(threads) {
  const clock = {
    ...systemClock,
    monotonic: () => performance.now() * FASTER,
    every: (ms, task) => systemClock.every(ms / FASTER, task),
    after: (ms, task) => systemClock.after(ms / FASTER, task),
  }
  const { engine, close } = await open(threads, clock)
  let online = 0
  const starts = new Map()
  engine.listen({
    event: () => {},
    status: (_, { state }) => {
      if (state !== 'online') return
      online++
      const span = Math.floor(clock.monotonic() / SPAN)
      starts.set(span, (starts.get(span) ?? 0) + 1)
    },
  })
  await register(engine, SESSIONS)
  engine.wake(keyOf(0))
  while (online < 1) await new Promise(resolve => setTimeout(resolve, 10))
  const before = { heap: await heap(), rss: process.memoryUsage().rss }
  const began = clock.monotonic()
  for (let index = 1; index < SESSIONS; index++) engine.wake(keyOf(index))
  while (online < SESSIONS) await new Promise(resolve => setTimeout(resolve, 20))
  const took = (clock.monotonic() - began) / 1000
  const after = { heap: await heap(), rss: process.memoryUsage().rss }
  const each = name => ((after[name] - before[name]) / KIB / (SESSIONS - 1)).toFixed(1)
  const where = threads === 0 ? 'in one thread' : 'in a thread of their own'
  console.log(
    `${SESSIONS} sessions ${where}: ${took.toFixed(0)} s to start, at most ${Math.max(...starts.values())} in ten seconds`,
  )
  console.log(`  heap of the server's thread ${each('heap')} KiB each, whole process ${each('rss')} KiB each`)
  if (threads === 0) console.log(`  of which the adapter's own ${await own()} KiB`)
  await close()
}

/** What a session of the adapter takes by itself. */
async function own() {
  const world = 'own'
  const held = []
  const before = await heap()
  for (let index = 0; index < SESSIONS; index++) {
    const session = loopback.create({
      settings: { world, password: '', misbehaves: 'never', when: 'command' },
      account: { owner: `user${index}@a.test`, fields: { name: `user${index}` } },
      domain: 'loop.a.test',
      secrets: { get: async () => undefined, set: async () => {} },
      kv: { get: async () => undefined, set: async () => {} },
      emit() {},
    })
    await session.start()
    held.push(session)
  }
  const each = ((await heap()) - before) / KIB / held.length
  return each.toFixed(1)
}

/** How long others wait for an answer of the server's thread while an adapter misbehaves. */
async function neighbours() {
  const server = createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  // What else runs on the machine is measured again before each.
  for (const misbehaves of KINDS.flatMap(kind => ['never', kind])) {
    const when = misbehaves === 'hang' || misbehaves === 'spin' ? 'command' : 'online'
    const { engine, close } = await open(1, systemClock, { misbehaves, when })
    engine.listen({ event: () => {}, status: () => {} })
    await register(engine, 10)
    for (let index = 0; index < 10; index++) engine.wake(keyOf(index))
    const probed = probe(port)
    const before = performance.eventLoopUtilization()
    const again = setInterval(() => {
      for (let index = 0; index < 10; index++) {
        engine.wake(keyOf(index), { afresh: true })
        if (misbehaves === 'hang' || misbehaves === 'spin')
          engine
            .run(keyOf(index), 'send', {
              key: `${Date.now()} ${index}`,
              to: { peer: 'user1' },
              text: 'x',
              receipt: false,
            })
            .catch(() => {})
      }
    }, 1000)
    const { p50, p99, most } = await probed
    clearInterval(again)
    const busy = (performance.eventLoopUtilization(before).utilization * 100).toFixed(1)
    console.log(
      `${misbehaves}: server's thread busy ${busy} %; others wait p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`,
    )
    await close()
  }
  server.close()
}

/** Asks 200 times a second, from a thread that does nothing else. */
function probe(port) {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const socket = require('node:net').connect(workerData.port, '127.0.0.1')
    const times = []
    let sent = 0
    socket.setNoDelay(true)
    socket.on('data', () => times.push(performance.now() - sent))
    const ask = setInterval(() => { sent = performance.now(); socket.write('x') }, 5)
    setTimeout(() => {
      clearInterval(ask)
      socket.destroy()
      times.sort((a, b) => a - b)
      const at = part => times[Math.floor(times.length * part)].toFixed(2)
      parentPort.postMessage({ p50: at(0.5), p99: at(0.99), most: times.at(-1).toFixed(1) })
    }, workerData.seconds * 1000)`
  const worker = new Worker(code, { eval: true, workerData: { port, seconds: PROBE_SECONDS } })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
