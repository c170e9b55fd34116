import { Client } from '../client.ts'
import type { Figures, Job } from '../job.ts'
import { measure } from '../measure.ts'

/** People who come and go, `concurrency` at once. A unit is a login up to initial presence. */
export async function login(job: Job): Promise<Figures> {
  let done = 0
  let stopped = false
  const comeAndGo = async (first: number) => {
    for (let index = first; !stopped; index = (index + job.concurrency) % job.users) {
      const client = await Client.login(job, index)
      done++
      await client.leave()
    }
  }
  const all = Promise.all(Array.from({ length: job.concurrency }, (_, worker) => comeAndGo(worker)))
  const figures = await Promise.race([measure(job, () => done), all.then(() => Promise.reject(new Error('over')))])
  stopped = true
  await all
  return figures
}
