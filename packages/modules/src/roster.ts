import { Jid } from '@parley/jid'
import { Body, Iq, NS, readAddress, StanzaError } from '@parley/stanza'
import { type RosterChanges, type RosterItem, StoreError } from '@parley/store'
import { type Element, el } from '@parley/xml'
import {
  type Acquaintance,
  type Asked,
  type Awaitable,
  accountRemoved,
  acquaintance,
  type Context,
  chain,
  defineHook,
  defineModule,
  type Inbound,
  inbound,
  iqGet,
  iqSet,
  observe,
  on,
  only,
  type Request,
  type Session,
} from '@xmpp/server-core'
import { isEmpty, RosterView } from './roster-view.ts'
import { mapped } from './slices.ts'
import { Turns } from './turns.ts'

const VERSIONING = 'urn:xmpp:features:rosterver'
const PRE_APPROVAL = 'urn:xmpp:features:pre-approval'
/** Rosters kept in memory; the one used longest ago goes first. */
const CACHED = 20_000
/** What nodes tell each other when a roster has changed. */
const CHANGED = 'roster'
/** Two nodes that change one roster at the same moment: one of them looks again. */
const TRIES = 8
const NAME_BYTES = 1023
const GROUPS = 50

/** A contact has left the roster; `item` is what it was: what it may see ends (RFC 6121 §2.5.2). */
export const rosterRemoved = defineHook<{ readonly account: Jid; readonly contact: Jid; readonly item: RosterItem }>()(
  'roster-removed',
  'observe',
)

/** Contacts are in other groups of the roster than before, or may be. */
export const rosterRegrouped = defineHook<{ readonly account: Jid; readonly contacts: readonly Jid[] }>()(
  'roster-regrouped',
  'observe',
)

/** Contacts that an account has without adding them (shared rosters). They are merged, never stored. */
export interface RosterSource {
  items(account: Jid): Awaitable<readonly RosterItem[]>
}

export interface Roster {
  /** From memory where the account was used lately. */
  view(account: Jid): Awaitable<RosterView>
  /** Changes one stored row, alone with it, and tells the account's clients; `change` gives undefined for no change. */
  change(account: Jid, contact: Jid, change: (item: RosterItem) => RosterItem | undefined): Promise<RosterItem>
  /** Whether the contact may see the account's presence. */
  mayWatch(account: Jid, contact: Jid): Awaitable<boolean>
  addSource(source: RosterSource): void
  /** What a source says has changed: forget the account's view, and tell its clients how these contacts stand now. */
  sourceChanged(account: Jid, contacts: readonly Jid[]): Promise<void>
}

/** The roster (RFC 6121 §2), with versions (§2.6). */
export default defineModule({
  name: 'roster',
  xeps: [{ number: 237, version: '1.3' }],
  rfcs: [{ rfc: 6121, sections: ['2.1', '2.2', '2.3', '2.4', '2.5', '2.6'] }],
  features: { host: [NS.roster] },
  setup(context) {
    const { store, server, phase, log, live } = context
    const removed = phase(rosterRemoved, 'observe')
    const regrouped = phase(rosterRegrouped, 'observe')
    const turns = new Turns()
    const rosters = cachedRosters(context)
    server.hear(CHANGED, text => rosters.forget(Jid.parse(text)))

    async function change(account: Jid, contact: Jid, edit: (item: RosterItem) => RosterItem | undefined) {
      return turns.take(account.text, () =>
        asSeen(account, async view => {
          const before = view.own(contact)
          const after = edit(before)
          if (!after) return before
          await save(account, after, view.stored)
          if (showsChange(before, after)) await push(account, contact)
          return after
        }),
      )
    }

    /** Another node may change the roster at the same time: then what was decided is decided again, on what is there now. */
    async function asSeen<T>(account: Jid, task: (view: RosterView) => Promise<T>): Promise<T> {
      for (let tries = 1; ; tries++) {
        try {
          return await task(await rosters.view(account))
        } catch (error) {
          if (!(error instanceof StoreError && error.code === 'changed') || tries === TRIES) throw error
          rosters.forget(account)
        }
      }
    }

    async function save(account: Jid, item: RosterItem, seen: string): Promise<void> {
      if (isEmpty(item)) return erase(account, item.contact, seen)
      try {
        const version = await store.rosters.put(account.text, item, server.config.limits.roster, seen)
        rosters.edit(account, seen, view => view.with(version, item))
        live.tell(CHANGED, account.text)
      } catch (error) {
        if (error instanceof StoreError && error.code === 'full')
          throw new StanzaError('not-acceptable', 'The roster is full')
        throw error
      }
    }

    async function erase(account: Jid, contact: string, seen: string): Promise<void> {
      const version = await store.rosters.remove(account.text, contact, seen)
      if (version !== undefined) rosters.edit(account, seen, view => view.without(version, contact))
      live.tell(CHANGED, account.text)
    }

    /** RFC 6121 §2.1.6: to every session that has asked for the roster. */
    async function push(account: Jid, contact: Jid): Promise<void> {
      const interested = (await live.sessions(account)).filter(entry => entry.interested)
      if (interested.length === 0) return
      const view = await rosters.view(account)
      const query = el('query', NS.roster, { ver: view.version }, itemElement(view.get(contact)))
      for (const entry of interested) {
        const head = { type: 'set', id: pushId(), to: entry.jid, from: account } as const
        await server.router.toSession(entry, new Iq(head, Body.of([query])))
      }
    }

    async function get(request: Request, { session, after }: Asked): Promise<Element | undefined> {
      const account = request.to.bare
      await session?.update({ interested: true })
      const version = request.payload.attrs['ver']
      const view = await rosters.view(account)
      // RFC 6121 §2.6.3: only what changed, as pushes behind an empty result.
      const changes = version && session ? await since(account, version, view) : undefined
      if (changes && session) {
        after(() => pushAll(session, changes))
        return undefined
      }
      const items = [...view.items.values()].filter(item => item.listed)
      const elements = await mapped(items, itemElement)
      return el('query', NS.roster, version === undefined ? {} : { ver: view.version }, elements)
    }

    /** What changed since that version; undefined where only the whole roster can tell. */
    async function since(account: Jid, version: string, view: RosterView): Promise<RosterChanges | undefined> {
      if (version === view.version) return { version, items: [], removed: [] }
      return view.hasShared ? undefined : store.rosters.since(account.text, version)
    }

    async function pushAll(session: Session, { version, items, removed }: RosterChanges): Promise<void> {
      const gone = removed.map(contact => ({ contact, ...GONE }))
      for (const item of [...items.filter(({ listed }) => listed), ...gone]) {
        const query = el('query', NS.roster, { ver: version }, itemElement(item))
        const head = { type: 'set', id: pushId(), to: session.jid, from: session.account } as const
        await session.send(new Iq(head, Body.of([query])))
      }
    }

    async function set(request: Request): Promise<undefined> {
      const account = request.to.bare
      const items = request.payload.childrenNamed('item')
      // RFC 6121 §2.1.5: one item in a set.
      if (items.length !== 1) throw new StanzaError('bad-request', 'A roster set has one item')
      const item = items[0]!
      const contact = readAddress(item.attrs['jid'])
      if (contact.bare.equals(account)) throw new StanzaError('not-allowed', 'You cannot be your own contact')
      if (item.attrs['subscription'] === 'remove') await remove(account, contact)
      else {
        const name = nameOf(item)
        const groups = groupsOf(item)
        let before: readonly string[] = groups
        await change(account, contact, old => {
          before = old.groups
          return named({ ...old, listed: true, groups }, name)
        })
        if (before.length !== groups.length || !before.every(group => groups.includes(group)))
          await observe(regrouped, { account, contacts: [contact] }, log)
      }
    }

    async function remove(account: Jid, contact: Jid): Promise<void> {
      const item = await turns.take(account.text, () =>
        asSeen(account, async view => {
          if (view.isShared(contact)) throw new StanzaError('not-allowed', 'Your group has this contact')
          const old = view.own(contact)
          // RFC 6121 §2.5.3
          if (!old.listed) throw new StanzaError('item-not-found', 'No such contact')
          await erase(account, contact.text, view.stored)
          await push(account, contact)
          return old
        }),
      )
      // Behind the turn: two who remove each other must not wait for each other.
      await observe(removed, { account, contact, item }, log)
    }

    /** Contacts, and who was asked to be one or may see the account. */
    function know(asked: Acquaintance): Awaitable<undefined> {
      return chain(rosters.view(asked.account), view => {
        const { listed, ask, subscription } = view.get(asked.other)
        if (listed || ask || subscription !== 'none') asked.known = true
        return undefined
      })
    }

    const api: Roster = {
      view: rosters.view,
      change,
      mayWatch: (account, contact) =>
        chain(rosters.view(account), view => ['from', 'both'].includes(view.get(contact.bare).subscription)),
      addSource: rosters.addSource,
      async sourceChanged(account, contacts) {
        rosters.forget(account)
        live.tell(CHANGED, account.text)
        for (const contact of contacts) await push(account, contact)
        if (contacts.length > 0) await observe(regrouped, { account, contacts }, log)
      },
    }
    return {
      iq: [
        iqGet('self', NS.roster, 'query', get),
        iqSet('self', NS.roster, 'query', set),
        // RFC 6121 §2.3.3
        iqSet('account', NS.roster, 'query', () => {
          throw new StanzaError('forbidden', 'This roster is not yours')
        }),
      ],
      stream: [
        { order: 'info', advertise: stream => (stream.account && !stream.session ? el('ver', VERSIONING) : undefined) },
        {
          order: 'info',
          advertise: stream => (stream.account && !stream.session ? el('sub', PRE_APPROVAL) : undefined),
        },
      ],
      on: [
        on(inbound, 'guard', only('iq', refuseForged)),
        on(acquaintance, 'observe', know),
        on(accountRemoved, 'observe', ({ account }) => rosters.forget(account)),
      ],
      api,
    }
  },
})

/** RFC 6121 §2.1.6: pushes come from the server alone, so nobody else's are brought to a client. */
function refuseForged({ stanza }: Omit<Inbound, 'stanza'> & { readonly stanza: Iq }): undefined {
  if (stanza.isRequest && stanza.to?.isBare === false && stanza.payload.ns === NS.roster)
    throw new StanzaError('service-unavailable')
}

/** What a push says of a contact that has left (RFC 6121 §2.5.2). */
const GONE = { listed: false, subscription: 'none', ask: false, approved: false, groups: [] } as const

let pushes = 0
function pushId(): string {
  return `push${(++pushes).toString(36)}`
}

function itemElement(item: RosterItem): Element {
  const removed = !item.listed
  return el(
    'item',
    NS.roster,
    {
      jid: item.contact,
      name: removed ? undefined : item.name,
      subscription: removed ? 'remove' : item.subscription,
      ask: item.ask ? 'subscribe' : undefined,
      approved: item.approved ? 'true' : undefined,
    },
    removed ? [] : item.groups.map(group => el('group', NS.roster, null, group)),
  )
}

/** RFC 6121 §3.1.3: clients hear nothing of a request that came or went. */
function showsChange(before: RosterItem, after: RosterItem): boolean {
  if (!before.listed && !after.listed) return false
  return before.pendingIn === after.pendingIn || String(itemElement(before)) !== String(itemElement(after))
}

function named(item: RosterItem, name: string | undefined): RosterItem {
  const { name: _old, ...rest } = item
  return name === undefined ? rest : { ...rest, name }
}

/** RFC 6121 §2.1.2.4, §2.3.3: a name of reasonable length. */
function nameOf(item: Element): string | undefined {
  const name = item.attrs['name']
  if (name !== undefined && Buffer.byteLength(name) > NAME_BYTES)
    throw new StanzaError('not-acceptable', 'The name is too long')
  return name === '' ? undefined : name
}

/** RFC 6121 §2.3.3: each group once, none empty, none too long. */
function groupsOf(item: Element): string[] {
  const groups = item.childrenNamed('group').map(group => group.text())
  if (new Set(groups).size !== groups.length) throw new StanzaError('bad-request', 'A group is named twice')
  if (groups.includes('')) throw new StanzaError('not-acceptable', 'A group without a name')
  if (groups.length > GROUPS) throw new StanzaError('not-acceptable', 'Too many groups')
  if (groups.some(group => Buffer.byteLength(group) > NAME_BYTES)) {
    throw new StanzaError('not-acceptable', 'The name of a group is too long')
  }
  return groups
}

/** Rosters in memory, with what the sources add. */
function cachedRosters({ store }: Context) {
  const views = new Map<string, RosterView>()
  const loading = new Map<string, Promise<RosterView>>()
  const sources: RosterSource[] = []

  function keep(account: Jid, view: RosterView): RosterView {
    views.delete(account.text)
    views.set(account.text, view)
    const oldest = views.size > CACHED ? views.keys().next().value : undefined
    if (oldest !== undefined) views.delete(oldest)
    return view
  }

  async function read(account: Jid): Promise<RosterView> {
    const shared = await Promise.all(sources.map(source => source.items(account)))
    return RosterView.of(await store.rosters.load(account.text), shared.flat()).prepare()
  }

  /** One load at a time; what changed while it was under way is not overwritten by it. */
  function load(account: Jid): Promise<RosterView> {
    const view = read(account)
    loading.set(account.text, view)
    const done = (loaded?: RosterView) => {
      if (loading.get(account.text) !== view) return
      loading.delete(account.text)
      if (loaded) keep(account, loaded)
    }
    view.then(done, () => done())
    return view
  }

  function forget(account: Jid): void {
    views.delete(account.text)
    loading.delete(account.text)
  }

  return {
    view: (account: Jid): Awaitable<RosterView> =>
      views.get(account.text) ?? loading.get(account.text) ?? load(account),
    /** What was read as of another version than `seen` is read again. */
    edit(account: Jid, seen: string, edit: (view: RosterView) => RosterView): void {
      const view = views.get(account.text)
      if (view?.stored === seen) keep(account, edit(view))
      else forget(account)
    },
    forget,
    addSource: (source: RosterSource): void => void sources.push(source),
  }
}
