// A process that runs the sessions of one adapter. It has no environment and no input; what it prints becomes lines of the log.
import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { type Adapter, AdapterError } from '@parley/adapter'
import { systemClock } from '@parley/net'
import { Pace } from '../pace.ts'
import type { Ask } from '../run/context.ts'
import { FAULT, type WireError } from '../run/errors.ts'
import { Net } from '../run/net.ts'
import { Redactor } from '../run/redact.ts'
import { Runner } from '../run/runner.ts'
import { Gate } from './gate.ts'
import { Batch, type Beginning, type Down, PULSE, Questions, type Up } from './protocol.ts'

/** Lines a second, said on purpose and printed. */
const LINES = 50
const PRINTED = 2
const LINE = 500
/** Events of all sessions that are on their way to the core. */
const EVENTS = 256
/** Questions to the core that may be open at a time. */
const ASKS = 2000
/** Niceness of this process beyond that of the server, and the most that there is. */
const BEHIND = 10
const LAST = 19
/** For what is said last to get out (ms). */
const LAST_WORDS = 1000
const MEBIBYTE = 1_048_576

// The server is gone. What asks the server to end reaches this process too: its sessions are ended by the server.
process.on('disconnect', () => process.exit())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
for (const name of Object.keys(process.env)) delete process.env[name]
if (process.platform === 'linux') stepBack()

const { module, net: policy, secrets } = await new Promise<Beginning>(resolve => process.once('message', resolve))
const net = new Net(policy, systemClock)
const runners = new Map<number, { readonly runner: Runner; readonly redactor: Redactor }>()
const asks = new Questions()
const saying = new Pace(systemClock, LINES, LINES)
const printing = new Pace(systemClock, PRINTED, PRINTED)
const up = new Batch<Up>(send)
const gate = new Gate(EVENTS)

process.on('uncaughtException', error => {
  up.push({ say: 'crash', text: hidden(error instanceof Error ? (error.stack ?? error.message) : String(error)) })
  up.flush()
  setTimeout(() => process.exit(1), LAST_WORDS)
  process.send!([], undefined, undefined, () => process.exit(1))
})
for (const stream of [process.stdout, process.stderr]) stream.write = printed

const { default: adapter } = (await import(module)) as { readonly default: Adapter }
process.on('message', (list: readonly Down[]) => {
  for (const item of list) take(item)
})
beat()
setInterval(beat, PULSE)

function beat(): void {
  up.push({ say: 'beat', buffers: Math.round(process.memoryUsage().arrayBuffers / MEBIBYTE) })
}

/** Where there is too little time, the server goes first. On Linux each thread has a priority: the garbage collector's are there already. */
function stepBack(): void {
  const priority = Math.min(LAST, getPriority(0) + BEHIND)
  for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), priority)
}

function take(item: Down): void {
  switch (item.do) {
    case 'open':
      open(item)
      break
    case 'credit':
      gate.heard(item.count)
      runners.get(item.id)?.runner.credit(item.count)
      break
    case 'answer':
      asks.answer(item.n, item.value)
      break
    case 'fail':
      asks.fail(item.n, new AdapterError('transient', 'Nothing can be kept at the moment'))
      break
    case 'start':
      reply(
        item.n,
        run(item.id, runner => runner.start()),
      )
      break
    case 'call':
      reply(
        item.n,
        run(item.id, runner => runner.call(item.name, item.args)),
      )
      break
    case 'stop': {
      const { id, n } = item
      const stopped = run(id, runner => runner.stop()).finally(() => runners.delete(id))
      reply(n, stopped)
    }
  }
}

function open({ id, init }: Extract<Down, { do: 'open' }>): void {
  const redactor = new Redactor()
  for (const secret of secrets) redactor.learn(secret)
  const core = {
    ask: (ask: Ask) => {
      if (asks.size >= ASKS) return Promise.reject(new AdapterError('limited', 'Too much is asked for at once'))
      return asks.ask(n => up.push({ say: 'ask', id, n, ask }))
    },
    log: (level: 'debug' | 'info' | 'warn', text: string, about?: Readonly<Record<string, unknown>>) => {
      if (saying.take() === 0) up.push({ say: 'log', id, level, text, ...(about && { about }) })
    },
    events: (events: Extract<Up, { say: 'events' }>['events']) =>
      gate.pass({ cost: events.length, go: () => up.push({ say: 'events', id, events }) }),
  }
  runners.set(id, { runner: new Runner({ adapter, init, net, redactor, core }), redactor })
}

async function run<T>(id: number, task: (runner: Runner) => Promise<T>): Promise<T> {
  const session = runners.get(id)
  if (!session) throw { failure: 'transient', message: 'The session has ended' } satisfies WireError
  return task(session.runner)
}

function reply(n: number, work: Promise<unknown>): void {
  work.then(
    // Behind what was said before.
    value => gate.pass({ cost: 0, go: () => up.push({ say: 'answer', n, value }) }),
    (error: WireError) => gate.pass({ cost: 0, go: () => up.push({ say: 'fail', n, error }) }),
  )
}

/** What cannot be copied is a fault of the adapter: it does not keep back what can. */
function send(list: readonly Up[]): void {
  try {
    process.send!(list)
  } catch (error) {
    const [item] = list
    if (list.length > 1) for (const each of list) send([each])
    else if (item?.say === 'answer')
      process.send!([{ say: 'fail', n: item.n, error: { failure: 'protocol', message: FAULT } }])
    else process.send!([{ say: 'log', level: 'warn', text: hidden(String(error)) }])
  }
}

function printed(chunk: Uint8Array | string, ...rest: unknown[]): boolean {
  const text = String(typeof chunk === 'string' ? chunk : Buffer.from(chunk))
  if (printing.take() === 0) up.push({ say: 'log', level: 'info', text: hidden(text.slice(0, LINE).trim()) })
  const done = rest.find(each => typeof each === 'function')
  if (done) queueMicrotask(done as () => void)
  return true
}

/** Without the secrets of any session: it is not known whose text it is. */
function hidden(text: string): string {
  let shown = text
  for (const { redactor } of runners.values()) shown = redactor.text(shown)
  return shown
}
