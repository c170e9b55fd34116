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

interface Return {
  /** Absent where the session could not be resumed. */
  readonly client: Client | undefined
  readonly attempts: number
}

/**
 * Everybody loses the connection in the same moment, connects again at once and resumes. `seconds`: until the last has
 * resumed; `failed`: sessions that could not be resumed; `p99`: round trip of a ping on a session that nothing is done
 * to, in ms; `loop`: p99 of the server's event-loop delay meanwhile, in ms, where it shows that.
 *
 * It comes twice: first everybody does a whole TLS handshake, then they take up their TLS sessions, where the server
 * lets them; the figures of that have names that begin with `again`.
 */
export async function storm(job: Job): Promise<Figures> {
  const sessions: Session[] = []
  await pool(job.users, job.concurrency, async index => {
    sessions[index] = await open(job, index)
  })
  const first = await once(job, sessions, false)
  const left = sessions.flatMap((session, index) => {
    const client = first.returns[index]!.client
    return client ? [{ ...session, client }] : []
  })
  const second = left.length === 0 ? undefined : await once(job, left, true)
  const renamed = Object.entries(second?.figures ?? {}).map(([name, figure]) => [`again-${name}`, figure])
  return { ...first.figures, ...Object.fromEntries(renamed) }
}

async function once(
  job: Job,
  sessions: readonly Session[],
  tickets: boolean,
): Promise<{ figures: Figures; returns: readonly Return[] }> {
  await sleep(job.settle * 1000)
  const probe = await startProbe(job)
  const loop = await loopDelay(job.metrics)
  const before = { time: performance.now(), cpu: cpuSeconds(job.pids) }
  for (const { client } of sessions) client.drop()
  const deadline = before.time + PATIENCE
  const returns = await Promise.all(sessions.map(session => comeBack(job, session, tickets, deadline)))
  const seconds = (performance.now() - before.time) / 1000
  const cpu = cpuSeconds(job.pids) - before.cpu
  const p99OfLoop = await loop?.()
  const back = returns.flatMap(({ client }) => client ?? [])
  const figures = {
    seconds,
    resumed: back.length,
    failed: returns.length - back.length,
    attempts: returns.reduce((sum, { attempts }) => sum + attempts, 0),
    tickets: back.filter(({ reused }) => reused).length,
    cpu: (cpu / returns.length) * 1e6,
    memory: memoryKilobytes(job.pids) / 1024,
    ...(p99OfLoop === undefined ? {} : { loop: p99OfLoop }),
    ...(await probe.end()),
  }
  return { figures, returns }
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

async function comeBack(job: Job, session: Session, tickets: boolean, deadline: number): Promise<Return> {
  const { index, id } = session
  for (let attempts = 1, pause = FIRST_PAUSE; ; attempts++, pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    let client: Client | undefined
    try {
      client = await Client.connect(job, index, tickets ? session.client.ticket : undefined)
      await client.authenticate()
      client.write(`<resume xmlns='${SM}' previd='${id}' h='0'/>`)
      const [answer] = await client.until(/<resumed[^>]*>|<failed[\s\S]*?(?:\/>|<\/failed>)/)
      return { client: answer.startsWith('<resumed') ? client : undefined, attempts }
    } catch {
      client?.drop()
      if (performance.now() > deadline) return { client: undefined, attempts }
      await sleep(pause)
    }
  }
}
