import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures, Job } from './job.ts'
import { coreSeconds, cpuSeconds, memoryKilobytes } from './processes.ts'

/**
 * Lets the load run for the warm-up, then counts for the time of the job.
 *
 * `cpu`: server CPU, in microseconds by unit; `perSecond`: units; `cores`: how much of its core the server used;
 * `others`: how much of that core others used; `memory`: MB.
 */
export async function measure(job: Job, units: () => number): Promise<Figures> {
  await sleep(job.warmup * 1000)
  const before = { units: units(), cpu: cpuSeconds(job.pids), core: coreSeconds(job.core), time: performance.now() }
  await sleep(job.seconds * 1000)
  const seconds = (performance.now() - before.time) / 1000
  const count = units() - before.units
  const cpu = cpuSeconds(job.pids) - before.cpu
  if (count === 0) throw new Error('Nothing was delivered')
  return {
    cpu: (cpu / count) * 1e6,
    perSecond: count / seconds,
    cores: cpu / seconds,
    others: Math.max(0, (coreSeconds(job.core) - before.core - cpu) / seconds),
    memory: memoryKilobytes(job.pids) / 1024,
  }
}

/** Runs `work` for 0 … count − 1, `width` at a time. */
export async function pool(count: number, width: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker))
}
