import { Jid } from '@parley/jid'
import type { Group, RosterItem } from '@parley/store'
import { CommandError, type CommandSpec, type CommandValues, defineModule } from '@xmpp/server-core'
import roster from './roster.ts'

const GROUP = { name: 'group', type: 'text', required: true, positional: true, help: 'the name of the group' } as const
const MEMBERS = {
  name: 'accounts',
  type: 'jid',
  required: true,
  positional: true,
  many: true,
  help: 'accounts, such as romeo@example.org',
} as const

const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'group put',
    summary: 'Make a group, or change how it is shown',
    parameters: [
      GROUP,
      { name: 'display', type: 'text', help: 'the name that people see' },
      { name: 'shared-roster', type: 'flag', help: 'members have each other in their rosters' },
    ],
  },
  { name: 'group list', summary: 'List the groups of a domain', parameters: [] },
  { name: 'group show', summary: 'List the members of a group', parameters: [GROUP] },
  { name: 'group delete', summary: 'Delete a group; its accounts stay', parameters: [GROUP] },
  { name: 'group add', summary: 'Add accounts to a group', parameters: [GROUP, MEMBERS] },
  { name: 'group remove', summary: 'Take accounts out of a group', parameters: [GROUP, MEMBERS] },
]

/** Groups of accounts. With a shared roster everyone in a group sees everyone, without asking. */
export default defineModule({
  name: 'groups',
  uses: { roster },
  commands: COMMANDS,
  setup({ store: { groups }, uses: { roster }, domain, accounts }) {
    const host = domain.domain

    /** Whom an account sees through its groups; one who is in several has all their names. */
    async function items(account: Jid): Promise<RosterItem[]> {
      const byContact = new Map<string, RosterItem>()
      for (const group of await groups.groupsOf(account.text)) {
        if (!group.sharedRoster) continue
        for (const contact of await groups.membersOf(host, group.name)) {
          if (contact === account.text) continue
          const others = byContact.get(contact)?.groups ?? []
          byContact.set(contact, sharedItem(contact, [...others, group.display]))
        }
      }
      return [...byContact.values()]
    }
    roster.addSource({ items })

    /** Tells everyone whom a change concerns; `change` alters the group. */
    async function changing(name: string, change: () => Promise<unknown>): Promise<void> {
      const before = await groups.membersOf(host, name)
      await change()
      const after = await groups.membersOf(host, name)
      const concerned = [...new Set([...before, ...after])]
      for (const member of concerned) {
        const account = Jid.parse(member)
        const now = await items(account)
        const gone = concerned.filter(other => other !== member && !now.some(({ contact }) => contact === other))
        await roster.sourceChanged(account, [
          ...now,
          ...gone.map(contact => ({ ...sharedItem(contact, []), ...HIDDEN })),
        ])
      }
    }

    async function known(values: CommandValues): Promise<Group> {
      const name = String(values['group'])
      const group = await groups.get(host, name)
      if (!group) throw new CommandError(`There is no group ${name} on ${host}`)
      return group
    }

    async function members(values: CommandValues): Promise<Jid[]> {
      const jids = (values['accounts'] as readonly string[]).map(text =>
        Jid.parse(text.includes('@') ? text : `${text}@${host}`),
      )
      for (const jid of jids) {
        if (jid.domain !== host || !(await accounts.exists(jid)))
          throw new CommandError(`There is no account ${jid} on ${host}`)
      }
      return jids
    }

    return {
      commands: {
        'group put': async values => {
          const name = String(values['group'])
          const old = await groups.get(host, name)
          const display = values['display'] === undefined ? (old?.display ?? name) : String(values['display'])
          const sharedRoster =
            values['shared-roster'] === undefined ? (old?.sharedRoster ?? false) : values['shared-roster'] === true
          await changing(name, () => groups.put({ host, name, display, sharedRoster }))
          return { text: `${name} is a group ${sharedRoster ? 'with' : 'without'} a shared roster` }
        },
        'group list': async () => ({
          rows: (await groups.list(host)).map(({ name, display, sharedRoster }) => ({
            name,
            display,
            'shared roster': sharedRoster,
          })),
        }),
        'group show': async values => {
          const { name } = await known(values)
          return { rows: (await groups.membersOf(host, name)).map(account => ({ account })) }
        },
        'group delete': async values => {
          const { name } = await known(values)
          await changing(name, () => groups.delete(host, name))
          return { text: `${name} is deleted` }
        },
        'group add': async values => {
          const { name } = await known(values)
          const jids = await members(values)
          await changing(name, () => Promise.all(jids.map(jid => groups.addMember(host, name, jid.text))))
          return { text: `${jids.length} accounts are in ${name}` }
        },
        'group remove': async values => {
          const { name } = await known(values)
          const jids = await members(values)
          await changing(name, () => Promise.all(jids.map(jid => groups.removeMember(host, name, jid.text))))
          return { text: `${jids.length} accounts are out of ${name}` }
        },
      },
    }
  },
})

const HIDDEN = { listed: false, subscription: 'none' } as const

function sharedItem(contact: string, groups: readonly string[]): RosterItem {
  return { contact, listed: true, groups, subscription: 'both', ask: false, approved: false }
}
