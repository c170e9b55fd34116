import { Jid } from '@parley/jid'
import type { Stanza } from '@parley/stanza'
import { firstIdAt } from '@parley/store'
import type { Awaitable, Transit } from '@xmpp/server-core'
import type { Parts } from './parts.ts'
import { restore } from './succession.ts'

/** What a node said so shortly before it died may have reached nobody (ms). */
const UNSURE = 30_000

/** Passes on what is for rooms of other nodes, and takes over the rooms of those that died. True: passed on. */
export function elsewhere(parts: Parts): (stanza: Stanza, to: Jid, transit: Transit) => Awaitable<boolean> {
  const { places, keeper, live, server, outlet, clock, lastSeen } = parts
  const { router } = server
  /** Under which name this node has what it has: under another one, others have it. */
  let as = live.node

  function isElsewhere(stanza: Stanza, to: Jid, transit: Transit): Awaitable<boolean> {
    if (to.local === '') return false
    if (live.node !== as) {
      as = live.node
      places.forget()
      keeper.forget()
    }
    return places.pass(stanza, to.bare, transit)
  }

  /** What another node has left of a room: who was here. Whoever has gone meanwhile has gone from here too. */
  async function succeed(jid: Jid): Promise<void> {
    const notes = await live.notes(jid.text)
    if (notes.size === 0) return
    const open = await keeper.find(jid)
    if (!open) return
    const there = new Set<string>()
    for (const real of notes.keys()) {
      const address = Jid.parse(real)
      if (
        !router.hosts.has(address.domain) ||
        (await live.sessionsNow(address.bare)).some(({ jid: own }) => own.equals(address))
      )
        there.add(real)
    }
    outlet.during(undefined, () => restore(open.room, notes, there, account => parts.idOf(jid, account)))
    // Who was lost with the node may not have been sent the last lines of it.
    const since = firstIdAt(clock.now() - UNSURE)
    const lost = [...notes.keys()].filter(real => !there.has(real)).map(real => Jid.parse(real).bare.text)
    for (const account of new Set(lost)) await lastSeen.lose(jid.text, account, since)
  }

  places.taken = succeed
  return isElsewhere
}
