#!/usr/bin/env node
// node --expose-gc scripts/gateways.mjs [sessions]: what sessions of gateways cost, and how they start. On the loopback network and a
// database of its own; needs a build. What an adapter costs others: scripts/neighbours.mjs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '../packages/gateway/dist/index.js'
import loopback from '../packages/gateway-loopback/dist/index.js'
import { memoryLive } from '../packages/live/dist/index.js'
import { silentLogger, systemClock } from '../packages/server-core/dist/index.js'
import { openStore, scratchDatabase, startScratchCluster } from '../packages/store/dist/index.js'

const SESSIONS = Number(process.argv[2]) || 10_000
/** Time runs so many times as fast while sessions start: the ramp alone takes minutes. */
const FASTER = 10
const KIB = 1024
const SPAN = 10_000

const folder = await mkdtemp(join(tmpdir(), 'parley-gateways-'))
const cluster = await startScratchCluster(join(folder, 'postgres'))
try {
  await sessions(0)
  await sessions(1)
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

async function open(processes, clock) {
  const { url } = await scratchDatabase(cluster.adminUrl)
  const store = await openStore({ url, data: '', fsync: false, exclusive: false })
  const record = { id: 'loop', adapter: 'loopback', enabled: true, verification: 'everyone', seats: false, rooms: true }
  const providers = new Map([['loop', { ...record, alwaysOn: true, patience: 60_000, settings: {} }]])
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
    processes,
  })
  const close = async () => {
    await engine.stop()
    await store.close()
  }
  return { engine, close }
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
async function sessions(processes) {
  const clock = {
    ...systemClock,
    monotonic: () => performance.now() * FASTER,
    every: (ms, task) => systemClock.every(ms / FASTER, task),
    after: (ms, task) => systemClock.after(ms / FASTER, task),
  }
  const { engine, close } = await open(processes, clock)
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
  const where = processes === 0 ? 'in that of the server' : 'in a process of their own'
  console.log(
    `${SESSIONS} sessions ${where}: ${took.toFixed(0)} s to start, at most ${Math.max(...starts.values())} in ten seconds`,
  )
  console.log(`  heap of the server ${each('heap')} KiB each, resident memory of the server ${each('rss')} KiB each`)
  if (processes === 0) console.log(`  of which the adapter's own ${await own()} KiB`)
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
