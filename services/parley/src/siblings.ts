import cluster, { type Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import type { Siblings } from '@parley/http'

/** How long an answer of another worker is waited for (ms). */
const PATIENCE = 1000

type Families = Awaited<ReturnType<Parameters<Siblings['answer']>[0]>>

/** A question passes from a worker through the first process to the others; each answer takes the same way back. */
type Letter =
  | { readonly ask: string; readonly from: number }
  | { readonly answer: string; readonly to: number; readonly worker: number; readonly families: Families }

/** In the first process: passes letters on. */
export function passLetters(workers: () => Iterable<Worker>): void {
  cluster.on('message', (from, letter: Letter) => {
    for (const worker of workers()) {
      const meant = 'ask' in letter ? worker.id !== from.id : worker.id === letter.to
      if (meant && worker.isConnected()) worker.send(letter)
    }
  })
}

/** In a worker: the others on the same ports; undefined where this process is alone. */
export function siblings(count: number): Siblings | undefined {
  const { worker } = cluster
  if (!worker) return undefined
  const waiting = new Map<string, (worker: number, families: Families) => void>()
  let own: (() => Promise<Families>) | undefined
  process.on('message', async (letter: Letter) => {
    if ('answer' in letter) waiting.get(letter.answer)?.(letter.worker, letter.families)
    else if ('ask' in letter && own) {
      process.send?.({ answer: letter.ask, to: letter.from, worker: worker.id, families: await own() })
    }
  })
  return {
    answer(families) {
      own = families
    },
    gather: mine =>
      new Promise(resolve => {
        const found = new Map([[String(worker.id), mine]])
        const question = randomUUID()
        const done = () => {
          waiting.delete(question)
          clearTimeout(late)
          resolve(found)
        }
        const late = setTimeout(done, PATIENCE)
        waiting.set(question, (id, families) => {
          found.set(String(id), families)
          if (found.size === count) done()
        })
        process.send?.({ ask: question, from: worker.id })
      }),
  }
}
