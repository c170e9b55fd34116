import { createHmac } from 'node:crypto'
import type { Jid } from '@parley/jid'
import type { Packet } from '@parley/live'
import { choice, defineModule, integer, map, on, period, sessionEnded, strayed, Throttle } from '@xmpp/server-core'
import archiveRetention from '../archive-retention.ts'
import { ArchiveSearch } from '../archive-search.ts'
import blocking from '../blocking.ts'
import notificationSettings from '../notification-settings.ts'
import { Turns } from '../turns.ts'
import { Absent } from './absent.ts'
import { answers } from './answers.ts'
import type { StoredRequest } from './approving.ts'
import { Cards, cardRoutes, type StoredCard } from './avatar.ts'
import { type StoredTombstone, Tombstones } from './destroyed.ts'
import { elsewhere } from './elsewhere.ts'
import type { Hat } from './hats.ts'
import { incoming } from './incoming.ts'
import { Keeper, type StoredAffiliation, type StoredChange, type StoredRoom } from './keeper.ts'
import { LastSeen } from './last-seen.ts'
import { mentionRoutes } from './mention-permissions.ts'
import { remove } from './moving.ts'
import { Outlet } from './outlet.ts'
import { Owned } from './owned.ts'
import type { Parts } from './parts.ts'
import { Places } from './places.ts'
import { type Affiliation, isAtLeast } from './roles.ts'
import type { Outside } from './room.ts'
import { OccupantIds } from './speakers.ts'
import { noteOf } from './succession.ts'
import { tokenRoutes } from './token-routes.ts'
import { type StoredToken, Tokens } from './tokens.ts'
import { uniqueRoute } from './unique.ts'

/** Passwords of a room that one account may try a minute. */
const GUESSES = 10
/** Registrations with rooms that one account may send a minute. */
const REGISTRATIONS = 10

/**
 * Rooms (XEP-0045) at `conference.<domain>`. Each room has one process that does everything for it; others pass on to it what
 * their clients send, and take it over when it dies.
 */
export default defineModule({
  name: 'muc',
  xeps: [
    { number: 45, version: '1.35.5' },
    { number: 249, version: '1.2' },
    { number: 307, version: '0.1' },
    { number: 317, version: '0.3.1' },
    { number: 410, version: '1.1.0' },
    { number: 421, version: '1.0.1' },
    { number: 424, version: '0.4.2' },
    { number: 425, version: '0.3.0' },
    { number: 452, version: '0.2.2' },
    { number: 463, version: '0.2.0' },
    { number: 486, version: '0.1.0' },
    { number: 488, version: '0.1.0' },
    { number: 500, version: '0.1.1' },
    { number: 513, version: '0.1.0', partial: 'no groups' },
  ],
  config: {
    create: choice('local', ['local', 'anybody', 'admins'], 'who may make rooms'),
    made: integer(30, 0, 100_000, 'rooms that one account may make a minute; 0 = any'),
    owned: integer(100, 0, 1_000_000, 'rooms that one account may have made and that are still there; 0 = any'),
    tombstones: period('30d', 'how long nobody else may make a room where one was destroyed; 0s = no time'),
    tokens: period('31d', 'how long a token that invites to a room is good at most'),
    card: integer(200_000, 1000, 16_000_000, 'size of the vCard of a room, its avatar included'),
  },
  uses: { blocking, retention: archiveRetention, settings: notificationSettings },
  stores: {
    rooms: map<StoredRoom>(),
    affiliations: map<StoredAffiliation>(),
    changes: map<StoredChange>(),
    requests: map<StoredRequest>(),
    tombstones: map<StoredTombstone>(),
    hats: map<Hat>(),
    wearers: map<readonly string[]>(),
    cards: map<StoredCard>(),
    tokens: map<StoredToken>(),
    seen: map<string>(),
    lost: map<string>(),
    makers: map<string>(),
    owned: map<true>(),
  },
  async setup(context) {
    const { config, stores, store, host, domain, serve, server, clock, live, log, uses } = context
    const isAdmin = (from: Jid) => domain.admins.includes(from.bare.text)
    const secret = await store.secrets.secret(`occupants ${host.domain}`)
    const outlet = new Outlet(context)
    const outside: Outside = {
      send: outlet.send,
      hand: outlet.hand,
      seated: (room, occupant, seat) => {
        // Nobody comes after a server that is alone.
        if (live.isShared) live.note(room.jid.text, seat.jid.text, noteOf(occupant, seat))
      },
      stood: (room, real) => live.note(room.jid.text, real, undefined),
      away: (room, account) => {
        const newest = keeper.newestIn(room)
        if (newest !== undefined)
          outlet.await(lastSeen.left(room.jid, account, newest), 'what a member has seen is not kept')
      },
    }
    const isMember = async (room: string, account: string) => {
      const { affiliation = 'none' } = (await stores.affiliations.get(room, account)) ?? {}
      return isAtLeast(affiliation as Affiliation, 'member')
    }
    const lastSeen = new LastSeen({ ...stores, isMember })
    const owned = new Owned({ ...stores, most: config.owned, isAdmin })
    const erase = async (room: { readonly text: string }) => {
      await owned.forget(room)
      await store.removeAccount(room.text)
    }
    const keeper = new Keeper({ ...stores, messages: store.messages, clock, lastSeen, outside, erase })
    const idOf = (room: Jid, account: { readonly text: string }) =>
      createHmac('sha256', secret).update(`${room.text}\n${account.text}`).digest('base64url')
    const ids = new OccupantIds((room, text) => idOf(room, { text }))
    const { retention } = uses
    const absent = new Absent({ server, clock, log, outlet, ids, ...uses })
    const search = new ArchiveSearch({ messages: store.messages, words: store.words, clock, log })
    const standing = { stored: stores.tombstones, domain: `conference.${host.domain}`, period: config.tombstones }
    const tombstones = new Tombstones({ ...standing, clock, log, isAdmin })
    const cards = new Cards(stores.cards, config.card)
    const tokens = new Tokens(stores.tokens, clock, config.tokens)
    const parts: Parts = {
      ...{ server, store, live, clock, host, keeper, outlet, search, tombstones, absent, cards, tokens, idOf },
      ids,
      lastSeen,
      owned,
      retention,
      requests: stores.requests,
      hats: stores,
      places: new Places(server),
      turns: new Turns(),
      made: new Throttle(clock, config.made),
      guessed: new Throttle(clock, GUESSES),
      registered: new Throttle(clock, REGISTRATIONS),
      mayCreate(from) {
        if (config.create === 'anybody') return true
        return isAdmin(from) || (config.create === 'local' && from.domain === host.domain)
      },
    }
    const service = serve('conference', 'Rooms', incoming(parts))
    retention.add({
      domain: service.domain,
      has: jid => keeper.knows(jid),
      trimmed: since => keeper.trim(since),
    })
    const routes = [
      ...mentionRoutes(parts),
      uniqueRoute(parts),
      ...answers(parts, service.domain),
      ...cardRoutes(parts),
      ...tokenRoutes(parts),
    ]
    for (const route of routes) service.iq.add(route)
    if (live.isShared) service.elsewhere = elsewhere(parts)

    function untaken(account: Jid, packets: readonly Packet[], ended?: string): Promise<void> {
      return lastSeen.untaken(account, packets, async room => {
        for (const { sid } of await live.sessions(account)) {
          if (sid !== ended && (await live.directed(sid)).some(to => to.bare.equals(room))) return true
        }
        return false
      })
    }

    return {
      on: [
        on(sessionEnded, 'observe', ({ entry, unacked }) => untaken(entry.jid.bare, unacked, entry.sid)),
        on(strayed, 'observe', ({ account, packet }) => untaken(account, [packet])),
      ],
      async stop() {
        search.stop()
        tombstones.stop()
        // Other nodes go on with the rooms of this one.
        if (live.isShared) return
        // §12.2: everybody is told that the service goes.
        for (const { room } of keeper.all) {
          for (const occupant of [...room.occupants]) remove(room, occupant, { codes: [332] })
        }
        await lastSeen.written()
      },
    }
  },
})
