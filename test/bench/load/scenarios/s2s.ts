import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../client.ts'
import { loginAll, register } from '../clients.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'
import { chat } from '../stanzas.ts'

/** So long nothing arrives when all that was under way has (ms). */
const QUIET = 500
const PATIENCE = 20_000

/**
 * Each client of the server has a partner at the peer. First the ones send and the others only receive, then the other way round;
 * a message follows when one has arrived. `out` and `in` are the server's CPU, by message.
 */
export async function s2s(job: Job): Promise<Figures> {
  const { peer } = job
  if (!peer) throw new Error('There is no other server')
  const elsewhere = { ...job, ...peer }
  await register(elsewhere)
  const here = await loginAll({ ...job, users: job.users / 2 })
  const there = await loginAll({ ...elsewhere, users: job.users / 2 })
  const out = await oneWay(job, here, there)
  const back = await oneWay(job, there, here)
  const { memory, others } = back
  return {
    ...{ out: out['cpu']!, in: back['cpu']!, perSecond: out['perSecond']!, 'in-perSecond': back['perSecond']! },
    ...{ cores: out['cores']!, memory: memory!, others: others! },
  }
}

async function oneWay(job: Job, from: readonly Client[], to: readonly Client[]): Promise<Figures> {
  let arrived = 0
  let sending = true
  for (const [index, sender] of from.entries()) {
    const receiver = to[index]!
    const stanza = chat(receiver.jid, `m${index}`, job.body)
    sender.onChunk = chunk => {
      if (chunk.includes('error')) throw new Error(`A message came back: ${chunk.toString().slice(0, 500)}`)
    }
    receiver.onChunk = feed({
      end: '</message>',
      onStanzas: count => {
        arrived += count
        if (sending) sender.write(stanza.repeat(count))
      },
    })
  }
  // The first one waits until the servers know each other.
  from[0]!.write(chat(to[0]!.jid, 'm0', job.body))
  await until(() => arrived > 0)
  for (const [index, sender] of from.entries())
    sender.write(chat(to[index]!.jid, `m${index}`, job.body).repeat(job.window))
  const figures = await measure(job, () => arrived)
  sending = false
  for (let before = -1; before !== arrived; await sleep(QUIET)) before = arrived
  return figures
}

async function until(holds: () => boolean): Promise<void> {
  for (const began = performance.now(); !holds(); await sleep(20)) {
    if (performance.now() - began > PATIENCE) throw new Error('Nothing arrives at the other server')
  }
}
