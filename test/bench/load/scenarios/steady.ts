import { setTimeout as sleep } from 'node:timers/promises'
import { latencies } from '../../report/statistics.ts'
import { loginAll, peerOf } from '../clients.ts'
import { feed } from '../feed.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'
import { sendAtRate, timesOf } from '../paced.ts'
import { chat } from '../stanzas.ts'

/** Servers that compile while they run are measured as they are after a while: this much of the closed loop first. */
const HEAT = { window: 4, seconds: 3 }

/** Messages at a fixed rate, sent whether or not earlier ones have arrived. Times are from sending to arrival, in ms. */
export async function steady(job: Job): Promise<Figures> {
  const clients = await loginAll(job)
  await sleep(500)
  const times: number[] = []
  let phase: 'heat' | 'warm' | 'measure' = 'heat'
  let arrived = 0
  for (const client of clients) {
    const echo = chat(peerOf(client, clients).jid, 'h', job.body)
    client.onChunk = feed({
      end: '</message>',
      onStanzas: (count, bytes) => {
        arrived += count
        if (phase === 'heat') client.write(echo.repeat(count))
        if (phase === 'measure') times.push(...timesOf(bytes))
      },
    })
  }
  for (const client of clients) client.write(chat(peerOf(client, clients).jid, 'h', job.body).repeat(HEAT.window))
  await sleep(HEAT.seconds * 1000)
  phase = 'warm'
  await sleep(500)

  const stop = sendAtRate(job.rate, clients, (to, id) => chat(to, id, job.body))
  await sleep(job.warmup * 1000)
  phase = 'measure'
  const figures = await measure({ ...job, warmup: 0 }, () => arrived)
  stop()
  return { ...figures, ...latencies(times) }
}
