import cluster, { type Worker } from 'node:cluster'
import { rm } from 'node:fs/promises'
import type { Logger } from '@xmpp/server-core'
import { passLetters } from './siblings.ts'

/** A worker that lived shorter is not worth starting again at once (ms). */
const SHORT = 5000
const PAUSE = 2000

/**
 * Runs workers that share the listening ports, and starts again what ends. Signals go to all of them.
 * Resolves when the last one has ended; its value is the exit code.
 */
export async function supervise(count: number, socket: string, log: Logger): Promise<number> {
  // The kernel gives a connection to whichever worker takes it first.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  await rm(socket, { force: true })
  let stopping = false
  let code = 0
  const workers = new Set<Worker>()
  passLetters(() => workers)
  return new Promise(resolve => {
    const start = () => {
      if (stopping) return
      const worker = cluster.fork()
      workers.add(worker)
      const began = performance.now()
      worker.on('exit', (status, signal) => {
        workers.delete(worker)
        if (!stopping) {
          log.warn('a worker ended and is started again', { worker: worker.id, code: signal ?? status })
          setTimeout(start, performance.now() - began < SHORT ? PAUSE : 0)
        } else if (status !== 0) code = 1
        if (stopping && workers.size === 0) rm(socket, { force: true }).then(() => resolve(code))
      })
    }
    const stop = (signal: NodeJS.Signals) => {
      stopping = true
      if (workers.size === 0) resolve(code)
      for (const worker of workers) worker.process.kill(signal)
    }
    process.on('SIGINT', () => stop('SIGTERM'))
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGHUP', () => {
      for (const worker of workers) worker.process.kill('SIGHUP')
    })
    for (let n = 0; n < count; n++) start()
  })
}
