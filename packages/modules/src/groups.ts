import { Jid } from '@parley/jid'
import type { Group, RosterItem } from '@parley/store'
import {
  accountRemoved,
  CommandError,
  type CommandSpec,
  type CommandValues,
  defineHook,
  defineModule,
  observe,
  on,
} from '@xmpp/server-core'
import { accountAddress } from './account-address.ts'
import roster from './roster.ts'
import { presenceGranted, presenceRevoked } from './subscription.ts'

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

/** Accounts are in other groups than before; `deleted` names a group that is there no more. */
export const groupsChanged = defineHook<{ readonly accounts: readonly Jid[]; readonly deleted?: string }>()(
  'groups-changed',
  'observe',
)

/** Groups of accounts. With a shared roster everyone in a group sees everyone, without asking. */
export default defineModule({
  name: 'groups',
  uses: { roster },
  commands: COMMANDS,
  setup({ store: { groups }, uses: { roster }, domain, accounts, live, phase, log }) {
    const host = domain.domain
    const granted = phase(presenceGranted, 'observe')
    const revoked = phase(presenceRevoked, 'observe')
    const memberships = phase(groupsChanged, 'observe')

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

    /**
     * Alters a group and tells those whom it concerns: clients hear of contacts that came, went or changed, and presence
     * goes to those who may see it now, and ends for those who may not. `who`: only these members change; absent: all.
     */
    async function changing(name: string, who: readonly string[] | undefined, change: () => Promise<unknown>) {
      const before = await snapshot()
      await change()
      const after = await snapshot()
      const concerned = [...new Set([...(before.get(name)?.members ?? []), ...(after.get(name)?.members ?? [])])]
      const changed: (readonly [Jid, Jid])[] = []
      for (const member of concerned) {
        const others = who === undefined || who.includes(member) ? concerned : who
        const contacts = others
          .filter(other => other !== member && namesFor(before, member, other) !== namesFor(after, member, other))
          .map(Jid.parse)
        const account = Jid.parse(member)
        await roster.sourceChanged(account, contacts)
        for (const contact of contacts) changed.push([account, contact])
      }
      for (const [account, contact] of changed) await tellPresence(account, contact, before, after)
    }

    /** Unless the account's own roster says the same as before. */
    async function tellPresence(account: Jid, contact: Jid, before: Snapshot, after: Snapshot): Promise<void> {
      const was = namesFor(before, account.text, contact.text) !== ''
      const is = namesFor(after, account.text, contact.text) !== ''
      if (was === is || (await live.sessions(account)).length === 0) return
      const { subscription } = (await roster.view(account)).own(contact)
      if (subscription === 'from' || subscription === 'both') return
      await observe(is ? granted : revoked, { account, contact }, log)
    }

    async function snapshot(): Promise<Snapshot> {
      const shared = (await groups.list(host)).filter(group => group.sharedRoster)
      const members = await Promise.all(shared.map(group => groups.membersOf(host, group.name)))
      return new Map(shared.map(({ name, display }, i) => [name, { display, members: new Set(members[i]) }]))
    }

    async function known(values: CommandValues): Promise<Group> {
      const name = String(values['group'])
      const group = await groups.get(host, name)
      if (!group) throw new CommandError(`There is no group ${name} on ${host}`)
      return group
    }

    async function members(values: CommandValues): Promise<Jid[]> {
      const jids = (values['accounts'] as readonly string[]).map(text => accountAddress(text, host))
      for (const jid of jids) {
        if (!(await accounts.exists(jid))) throw new CommandError(`There is no account ${jid} on ${host}`)
      }
      return jids
    }

    /** Who is deleted leaves all groups, seen by the others. */
    async function leaveAll(account: Jid): Promise<void> {
      for (const { name } of await groups.groupsOf(account.text)) {
        await changing(name, [account.text], () => groups.removeMember(host, name, account.text))
      }
    }

    return {
      on: [on(accountRemoved, 'observe', ({ account }) => leaveAll(account))],
      commands: {
        'group put': async values => {
          const name = String(values['group'])
          const old = await groups.get(host, name)
          const display = values['display'] === undefined ? (old?.display ?? name) : String(values['display'])
          const sharedRoster =
            values['shared-roster'] === undefined ? (old?.sharedRoster ?? false) : values['shared-roster'] === true
          await changing(name, undefined, () => groups.put({ host, name, display, sharedRoster }))
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
          const accounts = (await groups.membersOf(host, name)).map(Jid.parse)
          await changing(name, undefined, () => groups.delete(host, name))
          await observe(memberships, { accounts, deleted: name }, log)
          return { text: `${name} is deleted` }
        },
        'group add': async values => {
          const { name } = await known(values)
          const jids = await members(values)
          const names = jids.map(({ text }) => text)
          await changing(name, names, () => Promise.all(names.map(jid => groups.addMember(host, name, jid))))
          await observe(memberships, { accounts: jids }, log)
          return { text: `${jids.length} accounts are in ${name}` }
        },
        'group remove': async values => {
          const { name } = await known(values)
          const jids = await members(values)
          const names = jids.map(({ text }) => text)
          await changing(name, names, () => Promise.all(names.map(jid => groups.removeMember(host, name, jid))))
          await observe(memberships, { accounts: jids }, log)
          return { text: `${jids.length} accounts are out of ${name}` }
        },
      },
    }
  },
})

/** Groups with a shared roster, by name. */
type Snapshot = ReadonlyMap<string, { readonly display: string; readonly members: ReadonlySet<string> }>

/** Under which names two accounts see each other; '' where they do not. */
function namesFor(groups: Snapshot, one: string, other: string): string {
  const names: string[] = []
  for (const { display, members } of groups.values()) {
    if (members.has(one) && members.has(other)) names.push(display)
  }
  return JSON.stringify(names).slice(1, -1)
}

function sharedItem(contact: string, groups: readonly string[]): RosterItem {
  return { contact, listed: true, groups, subscription: 'both', ask: false, approved: false }
}
