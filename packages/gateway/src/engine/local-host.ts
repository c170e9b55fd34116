import type { Adapter, Event } from '@parley/adapter'
import type { Host, Hosted } from './host.ts'
import { fromWire, type WireError } from './run/errors.ts'
import type { Net } from './run/net.ts'
import { Redactor } from './run/redact.ts'
import { Runner, type WireEvent } from './run/runner.ts'

/** An event as adapters write it. */
export function eventOf(event: WireEvent): Event {
  return 'error' in event ? ({ ...event, error: fromWire(event.error) } as Event) : event
}

function thrown(error: unknown): never {
  throw fromWire(error as WireError)
}

/** Sessions in this process: for tests, and for adapters that are trusted as the server itself. */
export function localHost(adapter: Adapter, net: Net, secrets: readonly string[]): Host {
  const running = new Set<Hosted>()
  return {
    open(init, ears) {
      const redactor = new Redactor()
      for (const secret of secrets) redactor.learn(secret)
      const core = {
        ask: ears.ask.bind(ears),
        log: ears.log.bind(ears),
        events: (events: readonly WireEvent[]) => ears.events(events.map(eventOf)),
      }
      const runner = new Runner({ adapter, init, net, redactor, core })
      const hosted: Hosted = {
        start: () => runner.start().catch(thrown),
        async stop() {
          running.delete(hosted)
          await runner.stop()
        },
        call: (name, args) => runner.call(name, args).catch(thrown),
        credit: count => runner.credit(count),
      }
      running.add(hosted)
      return hosted
    },
    async close() {
      await Promise.all([...running].map(hosted => hosted.stop()))
    },
  }
}
