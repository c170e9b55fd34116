import type { Jid } from '@parley/jid'
import { type Awaitable, chain, defineModule } from '@xmpp/server-core'
import roster from './roster.ts'

/** How long a count may be out of date, when other nodes add to it or sessions take from it. */
const FRESH = 2000
const CACHED = 10_000

interface Counted {
  rows: number
  readonly until: number
}

/** How much may wait for an account that is away. */
export interface OfflineQuota {
  /** Whether there is room for one more message of `from`; it is counted in at once. */
  admits(account: Jid, from: Jid): Awaitable<boolean>
}

/** Strangers fill half of the room at most, so that they cannot shut out the people one knows. */
export default defineModule({
  name: 'offline-quota',
  uses: { roster },
  setup({ server, store, clock, uses }): { api: OfflineQuota } {
    const limit = server.config.limits.offline
    const counts = new Map<string, Counted>()

    function count(account: Jid): Awaitable<Counted> {
      const known = counts.get(account.text)
      if (known && known.until > clock.monotonic()) return known
      return store.messages.owedCount(account.text).then(rows => {
        if (counts.size >= CACHED) counts.clear()
        const counted = { rows, until: clock.monotonic() + FRESH }
        counts.set(account.text, counted)
        return counted
      })
    }

    function room(account: Jid, from: Jid): Awaitable<number> {
      if (from.bare.equals(account)) return limit
      return chain(uses.roster.view(account), view => {
        const { listed, subscription } = view.get(from.bare)
        return listed || subscription !== 'none' ? limit : Math.ceil(limit / 2)
      })
    }

    return {
      api: {
        admits: (account, from) =>
          chain(room(account, from), most =>
            chain(count(account), counted => {
              if (counted.rows >= most) return false
              counted.rows++
              return true
            }),
          ),
      },
    }
  },
})
