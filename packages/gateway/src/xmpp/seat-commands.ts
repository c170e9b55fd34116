import { Jid } from '@parley/jid'
import { CommandError, type CommandSpec, type CommandValues, type Parameter, type RunCommand } from '@xmpp/server-core'
import type { House } from './house.ts'
import { dayOf } from './parameters.ts'

const PROVIDER: Parameter = { name: 'provider', type: 'text', required: true, positional: true, help: 'the network' }
const ACCOUNTS: Parameter = {
  name: 'accounts',
  type: 'jid',
  required: true,
  positional: true,
  many: true,
  help: 'accounts, such as romeo@example.org',
}

export const SEAT_COMMANDS: readonly CommandSpec[] = [
  { name: 'seat list', summary: 'List who has a seat for a network', parameters: [PROVIDER] },
  {
    name: 'seat assign',
    summary: 'Give accounts a seat for a network',
    parameters: [PROVIDER, ACCOUNTS, { name: 'until', type: 'text', help: 'the first day without it' }],
  },
  {
    name: 'seat revoke',
    summary: 'Take seats back; sessions end within a minute',
    parameters: [PROVIDER, ACCOUNTS],
  },
  {
    name: 'seat report',
    summary: 'Count seats of each network: how many there are, are given, and are used',
    parameters: [],
  },
]

/** Seats, as operators give them. */
export function seatCommands(house: House): Readonly<Record<string, RunCommand>> {
  const { providers, seats, engine, host } = house

  function provider(values: CommandValues): string {
    const id = String(values['provider'])
    if (!providers.get(id)) throw new CommandError(`There is no provider ${id}`)
    return id
  }

  async function accounts(values: CommandValues): Promise<Jid[]> {
    const found = (values['accounts'] as readonly string[]).map(text => {
      const jid = Jid.tryParse(text.includes('@') ? text : `${text}@${host.domain}`)
      if (!jid || jid.local === '' || !jid.isBare || jid.domain !== host.domain)
        throw new CommandError(`${text} is not an account of ${host.domain}`)
      return jid
    })
    for (const jid of found)
      if (!(await host.accounts.exists(jid))) throw new CommandError(`There is no account ${jid} on ${host.domain}`)
    return found
  }

  /** Among all hosts: the pool is one. */
  async function given(id: string) {
    const all = await Promise.all(house.server.hosts.map(({ domain }) => seats.of(domain, id)))
    return all.flat()
  }

  return {
    'seat list': async values => ({
      rows: (await seats.of(host.domain, provider(values))).map(({ account, seat, good }) => ({
        account: account.text,
        until: seat.until ?? '',
        good,
        since: new Date(seat.since).toISOString(),
      })),
    }),
    'seat assign': async values => {
      const id = provider(values)
      const wanted = await accounts(values)
      const until = values['until'] === undefined ? undefined : dayOf('until', values['until'])
      const { pool = 0 } = providers.get(id)!
      const taken = new Set((await given(id)).filter(({ good }) => good).map(({ account }) => account.text))
      for (const { text } of wanted) taken.add(text)
      if (pool > 0 && taken.size > pool)
        throw new CommandError(`${id} has ${pool} seats, and that would be ${taken.size}`)
      for (const account of wanted) await seats.assign(account, id, until)
      return { text: `${wanted.length} accounts have a seat for ${id}` }
    },
    'seat revoke': async values => {
      const id = provider(values)
      const wanted = await accounts(values)
      for (const account of wanted)
        if (!(await seats.revoke(account, id))) throw new CommandError(`${account} has no seat for ${id}`)
      return { text: `${wanted.length} accounts have no seat for ${id} any more` }
    },
    'seat report': async () => ({
      rows: await Promise.all(
        [...providers.all.values()].map(async ({ id, seats: needed, pool = 0 }) => {
          const all = await given(id)
          return {
            provider: id,
            needed,
            pool: pool === 0 ? '' : pool,
            given: all.filter(({ good }) => good).length,
            expired: all.filter(({ good }) => !good).length,
            registered: (await engine.registrations({ provider: id })).length,
          }
        }),
      ),
    }),
  }
}
