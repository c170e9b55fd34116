import { setTimeout as sleep } from 'node:timers/promises'
import { loginAll } from '../clients.ts'
import type { Figures, Job } from '../job.ts'
import { cpuSeconds, memoryKilobytes } from '../processes.ts'

/** Sessions that do nothing. `session`: KB of PSS by session; `idle`: per cent of a core; `login`: CPU ms of each login. */
export async function idle(job: Job): Promise<Figures> {
  await sleep(job.settle * 1000)
  const before = { memory: memoryKilobytes(job.pids), cpu: cpuSeconds(job.pids) }
  const { length: sessions } = await loginAll(job)
  const login = ((cpuSeconds(job.pids) - before.cpu) / sessions) * 1000
  await sleep(job.settle * 1000)
  const memory = memoryKilobytes(job.pids)
  const cpu = cpuSeconds(job.pids)
  await sleep(job.seconds * 1000)
  return {
    sessions,
    session: (memory - before.memory) / sessions,
    memory: memory / 1024,
    login,
    idle: ((cpuSeconds(job.pids) - cpu) / job.seconds) * 100,
  }
}
