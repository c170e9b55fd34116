#!/usr/bin/env node
// node scripts/neighbours.mjs --help: what an adapter that misbehaves costs everybody else. A whole server with its own database, forty
// people who talk to each other, and ten who use a network whose adapter misbehaves; how long a message takes meanwhile.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fail, prepare, root } from './prepare.mjs'

const ALL = ['hang', 'throw', 'leak', 'leak-buffers', 'flood', 'spin', 'outside']
const { values: options, positionals } = parseArgs({
  options: { apart: { type: 'boolean' }, rounds: { type: 'string', default: '10' }, help: { type: 'boolean' } },
  allowPositionals: true,
})
const rounds = Number(options.rounds)
if (options.help) {
  console.log(`node scripts/neighbours.mjs [--apart] [--rounds 10] [${ALL.join(' | ')} …]

What an adapter that misbehaves costs everybody else: how long messages take meanwhile, and where
none does: medians of some rounds of ten seconds each. --apart: a process of its own has the role gateways, on a core of its own (needs PostgreSQL and Redis). "outside" is a program
that has nothing to do with the server.`)
  process.exit()
}
const kinds = positionals.length > 0 ? positionals : ALL
for (const kind of kinds) if (!ALL.includes(kind)) fail(`There is no ${kind}; there are ${ALL.join(', ')}.`)
/** They go wrong when a message is sent, the others as soon as they are online. */
const ON_COMMAND = ['hang', 'spin']
const PEOPLE = 40
const STRANGERS = 10
/** Messages a second, all people together. */
const RATE = options.apart ? 500 : 1000
const SECONDS = 10
const DOMAIN = 'localhost'
const message = (to, id) => `<message to='${to}' type='chat' id='${id}'><body>${'x'.repeat(120)}</body></message>`
/** The server's, and with it the database's and ours, so that the other one is the adapters'. */
const [CORE, OTHER] = options.apart ? [0, 1] : []

await prepare()
const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'test/bench'], {
  cwd: root,
  encoding: 'utf8',
})
if (compiled.status !== 0) fail(`Building the benchmark failed:\n${compiled.stdout}`)
const built = path => import(`../test/bench/dist/${path}.js`)
const [{ Child }, { knock }, { freePorts }, { startPostgres, startRedis }] = await Promise.all(
  ['bench/servers/child', 'bench/servers/server', 'ports', 'bench/servers/database'].map(built),
)
const [{ loginAll, register }, { feed }, { sendAtRate, timesOf }, { latencies, percentile }] = await Promise.all(
  ['load/clients', 'load/feed', 'load/paced', 'report/statistics'].map(path => built(`bench/${path}`)),
)

const folder = mkdtempSync(join(tmpdir(), 'parley-neighbours-'))
chmodSync(folder, 0o711)
if (options.apart) execFileSync('taskset', ['-a', '-c', '-p', String(CORE), String(process.pid)])
const program = join(root, 'services/parley/bin/parley.js')
const place = { folder, core: CORE }
const parts = []
let config
let port
let hog
try {
  const shared = options.apart ? await Promise.all([startPostgres(place), startRedis(place)]) : []
  parts.push(...shared)
  const key = `neighbour ${randomBytes(32).toString('base64')}`
  if (options.apart) await start('gateway', OTHER, configuration(['gateways'], shared, key))
  await start(
    'server',
    CORE,
    configuration(['clients', 'federation', ...(options.apart ? [] : ['gateways'])], shared, key),
  )
  await measure()
} finally {
  hog?.kill('SIGKILL')
  for (const part of parts.reverse()) await part.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function start(name, core, text) {
  const [client, http] = await freePorts(2)
  config = join(folder, `${name}.yaml`)
  port = client
  const listen = `listen: { client: "127.0.0.1:${client}", http: "127.0.0.1:${http}" }`
  writeFileSync(config, `${text}data: ${folder}/${name}\n${listen}\n`)
  const command = [process.execPath, '--max-semi-space-size=64', program, '--config', config, 'serve']
  const child = new Child({ command, folder, name, core })
  parts.push(child)
  // One without clients has no door for them.
  await child.until(() => knock(http))
}

function configuration(roles, [postgres, redis], key) {
  return `domains: [${DOMAIN}]
roles: [${roles}]
${postgres ? `database: ${postgres.url}\nredis: ${redis.url}\n` : ''}tls: { client: optional }
registration: open
archive: off
auth: { iterations: 4096 }
limits: { connections: 0, logins: 0, stanzas: 0, registrations: 0 }
log: { level: warn, format: json }
gateway: { key: "${key}" }
`
}

function parley(...args) {
  return execFileSync(process.execPath, [program, '--config', config, ...args], { encoding: 'utf8' })
}

function door(prefix, users) {
  return { ports: [port], domain: DOMAIN, prefix, users, tls: false, acknowledged: false }
}

async function measure() {
  parley('provider', 'add', 'loop', '--adapter', 'loopback', '--verification', 'everyone')
  parley('provider', 'enable', 'loop')
  await register(door('person', PEOPLE))
  await register(door('stranger', STRANGERS))
  const strangers = await loginAll(door('stranger', STRANGERS))
  for (const each of strangers) {
    const fields = `<name>${each.user}</name><password>pass</password>`
    await each.request('set', `<query xmlns='jabber:iq:register'>${fields}</query>`, `loop.${DOMAIN}`)
    each.onChunk = () => {}
  }
  const people = await loginAll(door('person', PEOPLE))
  const times = hear(people)
  const stop = sendAtRate(RATE, people, message)
  const provoke = setInterval(() => {
    for (const each of strangers) each.write(`<message to='user1@loop.${DOMAIN}' type='chat'><body>x</body></message>`)
  }, 1000)
  await period(times)
  const found = new Map(['never', ...kinds].map(kind => [kind, []]))
  // In turns: what else the machine does meets all of them.
  for (let round = 0; round < rounds; round++) {
    for (const [kind, list] of found) {
      await behave(kind)
      list.push(await period(times))
      process.stderr.write('.')
    }
  }
  process.stderr.write('\n')
  for (const [kind, list] of found) show(kind, list)
  clearInterval(provoke)
  stop()
  for (const each of [...strangers, ...people]) each.drop()
}

async function behave(kind) {
  hog?.kill('SIGKILL')
  hog = undefined
  if (kind === 'outside') {
    const spin = ['nice', '-n', '10', process.execPath, '-e', 'for (;;);']
    const [command, ...args] = options.apart ? ['taskset', '-c', String(OTHER), ...spin] : spin
    hog = spawn(command, args, { stdio: 'ignore' })
  } else {
    const when = ON_COMMAND.includes(kind) ? 'command' : 'online'
    parley('provider', 'set', 'loop', `misbehaves=${kind}`, `when=${when}`)
  }
  await sleep(1000)
}

async function period(times) {
  times.length = 0
  await sleep(SECONDS * 1000)
  return latencies(times)
}

/** Medians of all rounds. */
function show(kind, list) {
  const median = name =>
    `${percentile(
      list.map(each => each[name]).sort((a, b) => a - b),
      0.5,
    ).toFixed(2)} ms`
  const range = `${Math.min(...list.map(({ p99 }) => p99)).toFixed(2)} to ${Math.max(...list.map(({ p99 }) => p99)).toFixed(2)}`
  console.log(`${kind.padEnd(12)} p50 ${median('p50')}, p99 ${median('p99')} (${range}), p99.9 ${median('p999')}`)
}

/** Times from sending to arrival (ms), as they come. */
function hear(people) {
  const times = []
  for (const each of people) {
    each.onChunk = feed({ end: '</message>', onStanzas: (_, bytes) => times.push(...timesOf(bytes)) })
  }
  return times
}
