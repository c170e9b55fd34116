import type { Clock } from '@xmpp/server-core'
import type { Host, Hosted } from '../host.ts'
import type { RunnerCommand } from '../run/runner.ts'
import { Thread, type ThreadParts } from './thread.ts'

export interface ThreadHostParts extends Omit<ThreadParts, 'gone'> {
  readonly clock: Clock
  readonly provider: string
  /** Threads that the sessions are spread over. */
  readonly threads: number
}

/** So many crashes in that time (ms), and the adapter is not started again. */
const CRASHES = 5
const CRASH_TIME = 600_000
/** Beyond what a session has to stop by itself (ms): then its thread stands still, and is watched. */
const STOP = 7000

/** Sessions of one provider in threads of their own: what goes wrong there ends there. */
export function threadHost(parts: ThreadHostParts): Host {
  const { clock, log, provider } = parts
  const threads = new Set<Thread>()
  let crashes: number[] = []
  let isQuarantined = false

  function start(): Thread {
    const thread: Thread = new Thread({ ...parts, gone: reason => gone(thread, reason) })
    threads.add(thread)
    return thread
  }

  function gone(thread: Thread, reason: string | undefined): void {
    threads.delete(thread)
    if (reason === undefined) return
    const now = clock.monotonic()
    crashes = [...crashes.filter(at => at > now - CRASH_TIME), now]
    isQuarantined ||= crashes.length >= CRASHES
    log.error('an adapter failed: its thread has ended', { provider, reason, sessions: thread.sessions })
    if (isQuarantined) log.error('an adapter has failed too often and is not started again', { provider })
    thread.tellDied(isQuarantined)
  }

  /** The thread with the fewest sessions; another one while there may be more. */
  function least(): Thread {
    const [first] = [...threads].sort((a, b) => a.sessions - b.sessions)
    return first && (threads.size >= parts.threads || first.sessions === 0) ? first : start()
  }

  return {
    open(init, ears): Hosted {
      if (isQuarantined) {
        queueMicrotask(() => ears.died(true))
        return { start: never, stop: async () => {}, call: never, credit: () => {} }
      }
      const thread = least()
      const id = thread.open(init, ears)
      return {
        start: () => thread.ask(id, n => ({ do: 'start', id, n })) as Promise<readonly RunnerCommand[]>,
        async stop() {
          let late: NodeJS.Timeout | undefined
          const patience = new Promise(resolve => {
            late = setTimeout(resolve, STOP).unref()
          })
          await Promise.race([thread.ask(id, n => ({ do: 'stop', id, n })).catch(() => {}), patience])
          clearTimeout(late)
          thread.forget(id)
        },
        call: (name, args) => thread.ask(id, n => ({ do: 'call', id, n, name, args })),
        credit: count => thread.credit(id, count),
      }
    },
    async close() {
      await Promise.all([...threads].map(thread => thread.end()))
    },
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
