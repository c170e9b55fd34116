import { setTimeout as sleep } from 'node:timers/promises'
import { latencies } from '../../report/statistics.ts'
import type { Client } from '../client.ts'
import { loginAll } from '../clients.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { cpuSeconds } from '../processes.ts'
import { line, WORDS, wordOf } from '../words.ts'

const MAM = 'urn:xmpp:mam:2'
const PAGE = 50
/** Messages of each sender that are under way while the archive is filled. */
const UNDER_WAY = 64
/** Pages or searches of each kind that are timed, and how many come first. */
const TIMED = 200
const FIRST = 10
/** Younger messages are not in the index of words yet. */
const SETTLED_MS = 65_000
const INDEX_PATIENCE_MS = 300_000
const INDEXING = 'is being indexed'

/**
 * One account's archive of so many messages, by others who send them, is read in pages of 50: from the newest back, from the
 * oldest on, and from days in between; then words are looked for in it. Times are from the request to the end of its
 * answer, in ms.
 */
export async function pages(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  const [reader, ...senders] = clients as [Client, ...Client[]]
  const began = Date.now()
  const fill = await fillArchive(job, reader, senders)
  const ended = Date.now()

  const before = cpuSeconds(job.pids)
  const newest = await times(paging(reader, 'before'))
  const oldest = await times(paging(reader, 'after'))
  const cpu = ((cpuSeconds(job.pids) - before) / (2 * (TIMED + FIRST))) * 1e6
  const span = ended - began
  const middle = await times(index => {
    const start = new Date(began + ((index * 7919) % TIMED) * (span / (TIMED + 1))).toISOString()
    return ask(reader, field('start', start), `<max>${PAGE}</max>`)
  })

  await sleep(Math.max(0, ended + SETTLED_MS - Date.now()))
  const index = await makeIndex(reader)
  const search = await times(n => find(reader, wordOf(rank(n))))
  const two = await times(n => find(reader, `${wordOf(rank(n))} ${wordOf(rank(n + 77))}`))
  return {
    messages: job.messages,
    fill,
    cpu,
    ...named('newest', newest),
    ...named('oldest', oldest),
    ...named('middle', middle),
    index,
    ...named('search', search),
    ...named('two', two),
  }
}

/** Everybody sends to one; gives messages a second. */
async function fillArchive(job: Job, reader: Client, senders: readonly Client[]): Promise<number> {
  const began = performance.now()
  let sent = 0
  let arrived = 0
  const next = () => line(reader.bare, sent++)
  await new Promise<void>(resolve => {
    reader.onChunk = feed({
      end: '</message>',
      onStanzas: count => {
        arrived += count
        if (arrived >= job.messages) resolve()
        // What has arrived makes room for as many, by turns of the senders.
        for (let i = 0; i < count && sent < job.messages; i++) senders[sent % senders.length]!.write(next())
      },
    })
    for (const sender of senders) {
      for (let i = 0; i < UNDER_WAY && sent < job.messages; i++) sender.write(next())
    }
  })
  return job.messages / ((performance.now() - began) / 1000)
}

/** Asks for one page after another, each from where the one before ended. */
function paging(reader: Client, direction: 'before' | 'after'): () => Promise<string> {
  let edge = ''
  return async () => {
    const place = direction === 'after' && edge === '' ? '' : `<${direction}>${edge}</${direction}>`
    const fin = await ask(reader, '', `<max>${PAGE}</max>${place}`)
    edge = (direction === 'before' ? /<first[^>]*>([^<]+)/ : /<last>([^<]+)/).exec(fin)![1]!
    return fin
  }
}

/** The first search has the index made; gives the seconds that this takes. */
async function makeIndex(reader: Client): Promise<number> {
  const began = performance.now()
  for (const end = Date.now() + INDEX_PATIENCE_MS; ; await sleep(200)) {
    const answer = await find(reader, wordOf(1))
    if (!answer.includes(INDEXING)) return (performance.now() - began) / 1000
    if (Date.now() > end) throw new Error('The index is not made')
  }
}

/** Words that are in nearly each message, in one of some hundred thousand, and all between. */
function rank(n: number): number {
  return Math.floor(WORDS ** (((n * 7919) % TIMED) / TIMED))
}

function find(reader: Client, words: string): Promise<string> {
  return ask(reader, field('{urn:xmpp:fulltext:0}fulltext', words), `<max>${PAGE}</max><before/>`)
}

let ids = 0

/** The end of the answer, which is all that is looked at. */
function ask(reader: Client, fields: string, set: string): Promise<string> {
  const form =
    fields && `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${MAM}</value></field>${fields}</x>`
  return new Promise((resolve, reject) => {
    let end = ''
    reader.onChunk = chunk => {
      end = (end + chunk.toString('latin1')).slice(-4096)
      if (!end.includes('</iq>')) return
      if (end.includes('</error>') && !end.includes(INDEXING)) reject(new Error(end))
      else resolve(end)
    }
    reader.write(
      `<iq type='set' id='a${++ids}'><query xmlns='${MAM}'>${form}<set xmlns='http://jabber.org/protocol/rsm'>${set}</set></query></iq>`,
    )
  })
}

function field(name: string, value: string): string {
  return `<field var='${name}'><value>${value}</value></field>`
}

async function times(request: (index: number) => Promise<string>): Promise<number[]> {
  const found: number[] = []
  for (let index = 0; index < FIRST + TIMED; index++) {
    const began = performance.now()
    await request(index)
    if (index >= FIRST) found.push(performance.now() - began)
  }
  return found
}

function named(name: string, samples: readonly number[]): Figures {
  const { p50, p99 } = latencies(samples) as { p50: number; p99: number }
  return { [`${name}-p50`]: p50, [`${name}-p99`]: p99 }
}
