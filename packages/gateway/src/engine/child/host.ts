import type { Clock } from '@xmpp/server-core'
import type { Host, Hosted } from '../host.ts'
import type { RunnerCommand } from '../run/runner.ts'
import { Child, type ChildParts } from './child.ts'

export interface ChildHostParts extends Omit<ChildParts, 'gone'> {
  readonly clock: Clock
  readonly provider: string
  /** Processes that the sessions are spread over. */
  readonly processes: number
}

/** So many crashes in that time (ms), and the adapter is not started again. */
const CRASHES = 5
const CRASH_TIME = 600_000
/** Beyond what a session has to stop by itself (ms): then its process stands still, and is watched. */
const STOP = 7000

/** Sessions of one provider in processes of their own: what goes wrong there ends there. */
export function childHost(parts: ChildHostParts): Host {
  const { clock, log, provider } = parts
  const children = new Set<Child>()
  let crashes: number[] = []
  let isQuarantined = false

  function start(): Child {
    const child: Child = new Child({ ...parts, gone: reason => gone(child, reason) })
    children.add(child)
    return child
  }

  function gone(child: Child, reason: string | undefined): void {
    children.delete(child)
    if (reason === undefined) return
    const now = clock.monotonic()
    crashes = [...crashes.filter(at => at > now - CRASH_TIME), now]
    isQuarantined ||= crashes.length >= CRASHES
    log.error('an adapter failed: its process has ended', { provider, reason, sessions: child.sessions })
    if (isQuarantined) log.error('an adapter has failed too often and is not started again', { provider })
    child.tellDied(isQuarantined)
  }

  /** The process with the fewest sessions; another one while there may be more. */
  function least(): Child {
    const [first] = [...children].sort((a, b) => a.sessions - b.sessions)
    return first && (children.size >= parts.processes || first.sessions === 0) ? first : start()
  }

  return {
    open(init, ears): Hosted {
      if (isQuarantined) {
        queueMicrotask(() => ears.died(true))
        return { start: never, stop: async () => {}, call: never, credit: () => {} }
      }
      const child = least()
      const id = child.open(init, ears)
      return {
        start: () => child.ask(id, n => ({ do: 'start', id, n })) as Promise<readonly RunnerCommand[]>,
        async stop() {
          let late: NodeJS.Timeout | undefined
          const patience = new Promise(resolve => {
            late = setTimeout(resolve, STOP).unref()
          })
          await Promise.race([child.ask(id, n => ({ do: 'stop', id, n })).catch(() => {}), patience])
          clearTimeout(late)
          child.forget(id)
        },
        call: (name, args) => child.ask(id, n => ({ do: 'call', id, n, name, args })),
        credit: count => child.credit(id, count),
      }
    },
    async close() {
      await Promise.all([...children].map(child => child.end()))
    },
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
