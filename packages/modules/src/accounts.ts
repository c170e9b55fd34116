import type { Jid } from '@parley/jid'
import { PasswordError } from '@parley/sasl'
import { StoreError } from '@parley/store'
import {
  accountRemoved,
  accountSecured,
  CommandError,
  type CommandRow,
  type CommandSpec,
  type CommandValues,
  type Context,
  defineModule,
  on,
  period,
} from '@xmpp/server-core'
import { accountAddress } from './account-address.ts'

const JID = {
  name: 'jid',
  type: 'jid',
  required: true,
  positional: true,
  help: 'the account, such as romeo@example.org',
} as const
const PASSWORD_PARAMETER = {
  name: 'password',
  type: 'secret',
  required: true,
  help: 'the password; asked for when left out',
} as const

const COMMANDS: readonly CommandSpec[] = [
  { name: 'user add', summary: 'Make an account', parameters: [JID, PASSWORD_PARAMETER], hostFrom: 'jid' },
  {
    name: 'user passwd',
    summary: 'Set the password of an account; ends its sessions',
    parameters: [JID, PASSWORD_PARAMETER],
    hostFrom: 'jid',
  },
  {
    name: 'user list',
    summary: 'List the accounts of a domain',
    parameters: [
      { name: 'after', type: 'jid', help: 'begin behind this account' },
      { name: 'limit', type: 'number', help: 'how many at most (100)' },
    ],
  },
  { name: 'user show', summary: 'Show an account and its sessions', parameters: [JID], hostFrom: 'jid' },
  { name: 'user disable', summary: 'Lock an account; ends its sessions', parameters: [JID], hostFrom: 'jid' },
  { name: 'user enable', summary: 'Unlock an account', parameters: [JID], hostFrom: 'jid' },
  { name: 'user delete', summary: 'Delete an account and all it owns', parameters: [JID], hostFrom: 'jid' },
]

/** Accounts as the operator sees them; and what their end or a new password means for their sessions. */
export default defineModule({
  name: 'accounts',
  config: { reserve: period('30d', 'how long the name of a deleted account cannot be taken again') },
  commands: COMMANDS,
  setup(context) {
    const { accounts, server, domain, config } = context

    async function add(values: CommandValues) {
      const jid = accountOf(values, domain.domain)
      await explained(() => accounts.create(jid, String(values['password'])))
      return { text: `${jid} can log in now` }
    }

    async function passwd(values: CommandValues) {
      const jid = accountOf(values, domain.domain)
      const changed = await explained(() => accounts.setPassword(jid, String(values['password'])))
      if (!changed) throw unknown(jid)
      return { text: `The password of ${jid} is changed` }
    }

    async function list(values: CommandValues) {
      const after = values['after'] === undefined ? {} : { after: String(values['after']) }
      const page = { limit: Number(values['limit'] ?? 100), ...after }
      const found = await accounts.store.list(domain.domain, page)
      const rows = found.map(account => ({
        account: account.jid,
        state: account.disabled ? 'disabled' : 'active',
        created: day(account.created),
        'last login': account.lastLogin === undefined ? 'never' : day(account.lastLogin),
      }))
      return { rows, text: `Accounts on ${domain.domain}: ${await accounts.store.count(domain.domain)}` }
    }

    async function show(values: CommandValues) {
      const jid = accountOf(values, domain.domain)
      const account = await accounts.store.get(jid.text)
      if (!account) throw unknown(jid)
      const mechanisms = (await accounts.store.mechanisms(jid.text)).join(', ')
      const text = [
        `${jid}: ${account.disabled ? 'disabled' : 'active'}, created ${day(account.created)}, password kept as ${mechanisms}`,
        `${await context.store.messages.owedCount(jid.text)} messages wait for it`,
      ].join('\n')
      return { text, rows: await sessionRows(context, jid) }
    }

    async function setDisabled(values: CommandValues, disabled: boolean) {
      const jid = accountOf(values, domain.domain)
      if (!(await accounts.setDisabled(jid, disabled))) throw unknown(jid)
      return { text: `${jid} is ${disabled ? 'disabled' : 'active'}` }
    }

    async function remove(values: CommandValues) {
      const jid = accountOf(values, domain.domain)
      if (!(await accounts.store.get(jid.text))) throw unknown(jid)
      await accounts.remove(jid, config.reserve)
      return { text: `${jid} is deleted` }
    }

    return {
      api: { reserve: config.reserve },
      commands: {
        'user add': add,
        'user passwd': passwd,
        'user list': list,
        'user show': show,
        'user disable': values => setDisabled(values, true),
        'user enable': values => setDisabled(values, false),
        'user delete': remove,
      },
      on: [
        on(accountSecured, 'observe', ({ account, except }) => server.disconnect(account, except)),
        on(accountRemoved, 'observe', ({ account }) => server.disconnect(account)),
      ],
    }
  },
})

function accountOf(values: CommandValues, domain: string): Jid {
  return accountAddress(String(values['jid']), domain)
}

async function sessionRows({ live }: Context, jid: Jid): Promise<CommandRow[]> {
  return (await live.sessions(jid)).map(({ jid: { resource }, presence, since }) => ({
    resource,
    presence: presence ? presence.show || 'available' : 'not available',
    priority: presence?.priority,
    since: new Date(since).toISOString(),
  }))
}

function unknown(jid: Jid): CommandError {
  return new CommandError(`There is no account ${jid}`)
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

async function explained<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw explanation(error)
  }
}

function explanation(error: unknown): unknown {
  if (error instanceof StoreError && error.code === 'account-exists') return new CommandError('That name is taken')
  if (error instanceof PasswordError) return new CommandError(error.message)
  return error
}
