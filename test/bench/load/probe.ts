import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { latencies } from '../report/statistics.ts'
import { Client } from './client.ts'
import type { Figures, Job, Report } from './job.ts'

const PING_EVERY_MS = 20

/** A session that nothing is done to, in a process of its own, so that it waits for nobody but the server. */
export interface Probe {
  /** Times of round trips since the probe was started, in ms. */
  end(): Promise<Figures>
}

export async function startProbe(job: Job): Promise<Probe> {
  const child = fork(process.argv[1]!)
  const ready = once(child, 'message')
  child.send({ ...job, scenario: 'probe', users: 1, prefix: 'probe' } satisfies Job)
  const [said] = (await ready) as ['ready' | Report]
  if (said !== 'ready') throw new Error(`The probe does not start: ${'error' in said ? said.error : ''}`)
  return {
    async end() {
      const answer = once(child, 'message')
      child.send('end')
      const [report] = (await answer) as [Report]
      if ('error' in report) throw new Error(`The probe failed: ${report.error}`)
      return report.figures
    },
  }
}

/** Pings the server at a fixed rate until it is told to end (XEP-0199). */
export async function probe(job: Job): Promise<Figures> {
  const client = await Client.login(job, 0)
  await sleep(500)
  const times: number[] = []
  let rest = ''
  client.onChunk = chunk => {
    rest += chunk.toString('latin1')
    const now = performance.now()
    let end = 0
    for (const found of rest.matchAll(/ id=['"]t([\d.]+)['"]/g)) {
      times.push(now - Number(found[1]))
      end = found.index + found[0].length
    }
    rest = rest.slice(end).slice(-1000)
  }
  const ended = once(process, 'message')
  const timer = setInterval(() => {
    const id = `t${performance.now().toFixed(3)}`
    client.write(`<iq type='get' id='${id}' to='${job.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  }, PING_EVERY_MS)
  process.send!('ready')
  await ended
  clearInterval(timer)
  await sleep(500)
  return latencies(times)
}
