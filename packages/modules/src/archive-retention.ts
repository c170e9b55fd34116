import { StanzaError } from '@parley/stanza'
import { idFromText } from '@parley/store'
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

const TRIM = 'urn:xmpp:mamtrim:0'
const HOUR = 3_600_000
const KEY = 'retention'
/** Stands for no end. */
const FOREVER = -1

/**
 * How long archives keep messages: as the domain says, as the operator says for one account, and until their owner trims
 * them (the proposal "MAM trimming"). What is owed to somebody stays until it is delivered.
 */
export default defineModule({
  name: 'archive-retention',
  features: { account: [TRIM] },
  stores: { periods: map<number>() },
  commands: [
    {
      name: 'archive retention',
      summary: 'Set, or show, how long the archive of an account keeps messages',
      parameters: [
        { name: 'jid', type: 'jid', required: true, positional: true, help: 'the account, such as romeo@example.org' },
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
  setup({ host, domain, accounts, store: { messages }, stores: { periods }, clock, log }) {
    const stop = clock.every(HOUR, () => {
      trimAll().catch((error: unknown) => log.warn('old messages could not be removed', { error }))
    })

    async function trimAll(): Promise<void> {
      const except = await periods.owners(host.domain, KEY)
      if (domain.retention !== undefined)
        await messages.trim({ host: host.domain, except }, clock.now() - domain.retention)
      for (const owner of except) {
        const period = await periods.get(owner, KEY)
        if (period !== undefined && period !== FOREVER) await messages.trim({ owner }, clock.now() - period)
      }
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

    async function retention({ jid, period }: CommandValues) {
      const account = accountAddress(String(jid), domain.domain)
      if (!(await accounts.store.get(account.text))) throw new CommandError(`There is no account ${account}`)
      if (period === 'default') await periods.delete(account.text, KEY)
      else if (period !== undefined) await periods.set(account.text, KEY, readPeriod(String(period)))
      const own = await periods.get(account.text, KEY)
      const ms = own ?? domain.retention ?? FOREVER
      const says = own === undefined ? 'as the domain says' : 'as is set for it'
      return { text: `The archive of ${account} keeps messages ${lengthOf(ms)}, ${says}` }
    }

    return {
      iq: [
        iqSet('self', TRIM, 'trim', trim),
        iqSet('account', TRIM, 'trim', () => {
          throw new StanzaError('forbidden', 'The archive is trimmed by its owner')
        }),
      ],
      commands: { 'archive retention': retention },
      stop,
    }
  },
})

function readPeriod(text: string): number {
  if (text === 'forever') return FOREVER
  const period = parsePeriod(text)
  if (period === undefined || period === 0)
    throw new CommandError('The period must be a time such as 30d, "forever" or "default"')
  return period
}

function lengthOf(ms: number): string {
  if (ms === FOREVER) return 'forever'
  return ms % (24 * HOUR) === 0 ? `for ${ms / (24 * HOUR)} days` : `for ${Math.round(ms / 1000)} seconds`
}
