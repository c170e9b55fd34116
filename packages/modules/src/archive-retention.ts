import { StanzaError } from '@parley/stanza'
import { idFromText, type Owner } from '@parley/store'
import {
  CommandError,
  type CommandValues,
  defineModule,
  iqSet,
  map,
  parsePeriod,
  type Request,
} from '@xmpp/server-core'
import { accountAddress } from './account-address.ts'
import { Periods } from './archive-periods.ts'

const TRIM = 'urn:xmpp:mamtrim:0'
const HOUR = 3_600_000
const FROM = { domain: 'as the domain says', operator: 'as is set for it', owners: 'as its owners wish' }

/** A domain with archives of its own, such as that of rooms. */
export interface ArchivePlace {
  readonly domain: string
  /** Whether there is such an archive. */
  has(owner: Owner): Promise<boolean>
  /** What was too old is gone; `since` says from when on an archive still has messages (ms since 1970). */
  trimmed(since: (owner: Owner) => number): void
}

export interface ArchiveRetention {
  add(place: ArchivePlace): void
  /** How long the owners of an archive want messages to be kept (ms), at most; undefined: as long as may be. */
  wish(owner: Owner, period: number | undefined): Promise<void>
}

/**
 * How long archives keep messages: as the domain says, as the operator says for one account or room, and until their owner
 * trims them. What is owed to somebody stays until it is delivered.
 */
export default defineModule({
  name: 'archive-retention',
  proposals: [{ name: 'MAM trimming', file: 'xep-mam-trimming', version: '0.0.1' }],
  features: { account: [TRIM] },
  stores: { periods: map<number>() },
  commands: [
    {
      name: 'archive retention',
      summary: 'Set, or show, how long the archive of an account or a room keeps messages',
      parameters: [
        { name: 'jid', type: 'jid', required: true, positional: true, help: 'such as romeo@example.org, or a room' },
        {
          name: 'period',
          type: 'text',
          positional: true,
          help: 'such as 30d; "forever"; "default": as the domain says; left out: show it',
        },
      ],
      hostFrom: 'jid',
    },
  ],
  setup({ host, domain, accounts, store: { messages }, stores, clock, log }) {
    const periods = new Periods(stores.periods, domain.retention)
    const places: ArchivePlace[] = []
    const stop = clock.every(HOUR, () => {
      trimAll().catch((error: unknown) => log.warn('old messages could not be removed', { error }))
    })

    async function trimAll(): Promise<void> {
      await periods.trim(messages, host.domain, clock.now())
      for (const place of places) place.trimmed(await periods.trim(messages, place.domain, clock.now()))
    }

    async function trim({ to, payload }: Request): Promise<undefined> {
      const ids = payload.childrenNamed('id')
      if (ids.length > 1) throw new StanzaError('bad-request', 'An archive is trimmed up to one message')
      if (ids.length === 0) {
        const bounds = await messages.bounds(to.text)
        if (bounds) await messages.forget(to.text, bounds.last)
        return undefined
      }
      const id = idFromText(ids[0]!.text().trim())
      if (id === undefined || (await messages.count(to.text, { ids: [id] })) === 0)
        throw new StanzaError('item-not-found', 'The archive has no message to trim up to')
      await messages.forget(to.text, id)
      return undefined
    }

    /** @throws CommandError where there is no such account or room */
    async function ownerOf(text: string): Promise<Owner> {
      const place = places.find(({ domain }) => text.toLowerCase().endsWith(`@${domain}`))
      const { text: owner } = accountAddress(text, place?.domain ?? domain.domain)
      if (place && !(await place.has(owner))) throw new CommandError(`There is no room ${owner}`)
      if (!place && !(await accounts.store.get(owner))) throw new CommandError(`There is no account ${owner}`)
      return owner
    }

    async function retention({ jid, period }: CommandValues) {
      const owner = await ownerOf(String(jid))
      if (period !== undefined) await periods.set(owner, readPeriod(String(period)))
      const { ms, from } = await periods.of(owner)
      return { text: `The archive of ${owner} keeps messages ${lengthOf(ms)}, ${FROM[from]}` }
    }

    return {
      iq: [
        iqSet('self', TRIM, 'trim', trim),
        iqSet('account', TRIM, 'trim', () => {
          throw new StanzaError('forbidden', 'The archive is trimmed by its owner')
        }),
      ],
      commands: { 'archive retention': retention },
      api: {
        add: place => void places.push(place),
        wish: (owner, period) => periods.wish(owner, period),
      } satisfies ArchiveRetention,
      stop,
    }
  },
})

function readPeriod(text: string): number | 'forever' | 'default' {
  if (text === 'forever' || text === 'default') return text
  const period = parsePeriod(text)
  if (period === undefined || period === 0)
    throw new CommandError('The period must be a time such as 30d, "forever" or "default"')
  return period
}

function lengthOf(ms: number | undefined): string {
  if (ms === undefined) return 'forever'
  return ms % (24 * HOUR) === 0 ? `for ${ms / (24 * HOUR)} days` : `for ${Math.round(ms / 1000)} seconds`
}
