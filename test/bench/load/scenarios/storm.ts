import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../client.ts'
import type { Figures, Job } from '../job.ts'
import { pool } from '../measure.ts'
import { loopDelay } from '../metrics.ts'
import { startProbe } from '../probe.ts'
import { cpuSeconds, memoryKilobytes } from '../processes.ts'

const SM = 'urn:xmpp:sm:3'
/** What clients do who are not let in: they try again, later each time (ms). */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 8000
/** A storm that is not over after this is not over (ms). */
const PATIENCE = 180_000

interface Session {
  readonly index: number
  readonly client: Client
  /** By which it can be resumed (XEP-0198). */
  readonly id: string
}

/**
 * Everybody loses the connection in the same moment, connects again at once and resumes. `seconds`: until the last has
 * resumed; `failed`: sessions that could not be resumed; `p99`: round trip of a ping on a session that nothing is done
 * to, in ms; `loop`: p99 of the server's event-loop delay meanwhile, in ms, where it shows that.
 */
export async function storm(job: Job): Promise<Figures> {
  const sessions: Session[] = []
  await pool(job.users, job.concurrency, async index => {
    sessions[index] = await open(job, index)
  })
  await sleep(job.settle * 1000)
  const probe = await startProbe(job)
  const loop = await loopDelay(job.metrics)
  const before = { time: performance.now(), cpu: cpuSeconds(job.pids) }

  for (const { client } of sessions) client.drop()
  const ended = await Promise.all(sessions.map(session => comeBack(job, session, before.time + PATIENCE)))
  const seconds = (performance.now() - before.time) / 1000
  const cpu = cpuSeconds(job.pids) - before.cpu
  const p99OfLoop = await loop?.()
  const failed = ended.filter(({ resumed }) => !resumed).length
  return {
    seconds,
    failed,
    resumed: ended.length - failed,
    attempts: ended.reduce((sum, { attempts }) => sum + attempts, 0),
    cpu: (cpu / ended.length) * 1e6,
    memory: memoryKilobytes(job.pids) / 1024,
    ...(p99OfLoop === undefined ? {} : { loop: p99OfLoop }),
    ...(await probe.end()),
  }
}

/** Logs in and makes the session one that can be resumed, when nothing is on its way to it any more. */
async function open(job: Job, index: number): Promise<Session> {
  const client = await Client.login(job, index)
  await client.until(/<presence [^>]*?(?:\/>|>[\s\S]*?<\/presence>)/)
  client.write(`<enable xmlns='${SM}' resume='true'/>`)
  const [enabled] = await client.until(/<enabled[^>]*>/)
  const id = /\sid=['"]([^'"]+)/.exec(enabled)?.[1]
  if (id === undefined) throw new Error(`${client.user} cannot resume: ${enabled}`)
  return { index, client, id }
}

async function comeBack(
  job: Job,
  { index, id }: Session,
  deadline: number,
): Promise<{ resumed: boolean; attempts: number }> {
  for (let attempts = 1, pause = FIRST_PAUSE; ; attempts++, pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    let client: Client | undefined
    try {
      client = await Client.connect(job, index)
      await client.authenticate()
      client.write(`<resume xmlns='${SM}' previd='${id}' h='0'/>`)
      const [answer] = await client.until(/<resumed[^>]*>|<failed[\s\S]*?(?:\/>|<\/failed>)/)
      return { resumed: answer.startsWith('<resumed'), attempts }
    } catch {
      client?.drop()
      if (performance.now() > deadline) return { resumed: false, attempts }
      await sleep(pause)
    }
  }
}
