import type { Jid } from '@parley/jid'
import { readAddress, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Awaitable,
  accountRemoved,
  chain,
  defineModule,
  flag,
  integer,
  iqGet,
  iqSet,
  map,
  on,
  type Request,
} from '@xmpp/server-core'
import { MAM } from './archive-query.ts'
import roster from './roster.ts'
import { ToldCache } from './told-cache.ts'

/** Preferences in memory; those read longest ago go first. */
const CACHED = 20_000
const KEY = 'preferences'
/** What nodes tell each other when preferences have changed. */
const CHANGED = 'archive preferences'
const DEFAULTS = ['always', 'roster', 'never'] as const
type Default = (typeof DEFAULTS)[number]

type Stored = { readonly default: Default; readonly always: readonly string[]; readonly never: readonly string[] }

interface Preferences {
  readonly default: Default
  readonly always: ReadonlySet<string>
  readonly never: ReadonlySet<string>
}

export interface ArchivePreferences {
  /** Whether the account's archive shall have what it says to `other`, or hears from there. */
  wants(account: Jid, other: Jid): Awaitable<boolean>
}

/** What each account wants its archive to keep (XEP-0441). */
export default defineModule({
  name: 'archive-preferences',
  xeps: [{ number: 441, version: '0.2.0', partial: 'no command for further settings' }],
  uses: { roster },
  config: {
    change: flag(true, 'accounts may change what their archives keep'),
    entries: integer(1000, 1, 10_000, 'addresses in the lists of one account'),
  },
  stores: { preferences: map<Stored>() },
  setup({ config, domain, stores, uses, live, server }) {
    const unset: Preferences = {
      default: domain.archive ? domain.archiveDefault : 'never',
      always: new Set(),
      never: new Set(),
    }
    const known = new ToldCache(CACHED, async account => {
      const stored = domain.archive ? await stores.preferences.get(account, KEY) : undefined
      return stored ? preferencesOf(stored) : unset
    })
    server.hear(CHANGED, account => known.forget(account))

    function wants(account: Jid, other: Jid): Awaitable<boolean> {
      return chain(known.get(account.text), preferences => decide(preferences, account, other))
    }

    function decide(preferences: Preferences, account: Jid, other: Jid): Awaitable<boolean> {
      const listed = listedAs(preferences, other)
      if (listed) return listed === 'always'
      if (preferences.default !== 'roster') return preferences.default === 'always'
      // Nobody has oneself in the roster, and notes to oneself come from nobody else.
      if (other.bare.equals(account)) return true
      return chain(uses.roster.view(account), view => view.get(other.bare).listed)
    }

    async function set({ to, payload }: Request): Promise<Element> {
      if (!config.change || !domain.archive) throw new StanzaError('not-allowed', 'The server decides what is archived')
      const stored = readPreferences(payload)
      if (stored.always.length + stored.never.length > config.entries)
        throw new StanzaError('resource-constraint', 'Too many addresses in the archive preferences')
      await stores.preferences.set(to.text, KEY, stored)
      // Another node may have written last: what is so is read.
      known.forget(to.text)
      live.tell(CHANGED, to.text)
      return elementOf(preferencesOf(stored))
    }

    return {
      iq: [
        iqGet('self', MAM, 'prefs', async ({ to }) => elementOf(await known.get(to.text))),
        iqSet('self', MAM, 'prefs', set),
        iqGet('account', MAM, 'prefs', refuse),
        iqSet('account', MAM, 'prefs', refuse),
      ],
      on: [on(accountRemoved, 'observe', ({ account }) => known.forget(account.text))],
      api: { wants } satisfies ArchivePreferences,
    }
  },
})

function refuse(): never {
  throw new StanzaError('forbidden', 'The archive preferences belong to somebody else')
}

/** §2.3.1; the full address is looked for first. Who is in both lists is not archived: no archive is easier to mend. */
function listedAs({ always, never }: Preferences, other: Jid): 'always' | 'never' | undefined {
  if (always.size + never.size === 0) return undefined
  for (const { text } of other.isBare ? [other] : [other, other.bare]) {
    if (never.has(text)) return 'never'
    if (always.has(text)) return 'always'
  }
  return undefined
}

function readPreferences(payload: Element): Stored {
  const chosen = DEFAULTS.find(name => name === payload.attrs['default'])
  if (!chosen) throw new StanzaError('bad-request', 'The default is always, never or roster')
  return { default: chosen, always: readList(payload.child('always')), never: readList(payload.child('never')) }
}

/** §2.1.2: a list that is missing is empty. */
function readList(list: Element | undefined): readonly string[] {
  return [...new Set(list?.childrenNamed('jid').map(jid => readAddress(jid.text().trim()).text))]
}

function preferencesOf(stored: Stored): Preferences {
  return { default: stored.default, always: new Set(stored.always), never: new Set(stored.never) }
}

function elementOf({ default: chosen, always, never }: Preferences): Element {
  const list = (name: string, jids: ReadonlySet<string>) =>
    el(
      name,
      MAM,
      null,
      [...jids].map(jid => el('jid', MAM, null, jid)),
    )
  return el('prefs', MAM, { default: chosen }, list('always', always), list('never', never))
}
