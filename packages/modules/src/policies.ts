import type { Jid } from '@parley/jid'
import {
  type Awaitable,
  accountRemoved,
  CommandError,
  type CommandRow,
  type CommandValues,
  chain,
  defineHook,
  defineModule,
  map,
  observe,
  on,
} from '@xmpp/server-core'
import { accountAddress } from './account-address.ts'
import { groupsChanged } from './groups.ts'
import { POLICY_COMMANDS } from './policy-commands.ts'
import { groupKey, groupOf, type Policy, type Rules, type Ruling, rule } from './policy-rules.ts'
import { ToldCache } from './told-cache.ts'

/** Tells the other nodes whose policies have changed: an account, or '' for those of everybody. */
const CHANGED = 'policies'
/** Rules for all domains belong to no account and no domain. */
const EVERYWHERE = 'policies'
/** Accounts whose policies are in memory; the one used longest ago goes first. */
const CACHED = 20_000

export interface Policies {
  /** Whoever obeys a policy declares it, when it is set up. */
  declare(policy: Policy): void
  /** What holds for an account, and which rule says so. From memory where the account was used lately. */
  effective(policy: string, account: Jid): Awaitable<Ruling>
}

/** What holds may have changed, for one account or for all of the host (undefined). Told on every node. */
export const policiesChanged = defineHook<{ readonly account: Jid | undefined }>()('policies-changed', 'observe')

/** What accounts may do: rules for one user, for a group, for the domain or for all domains, the nearest of which holds. */
export default defineModule({
  name: 'policies',
  stores: { rules: map<boolean>() },
  commands: POLICY_COMMANDS,
  setup({ stores: { rules }, store: { groups }, accounts, domain: { domain }, live, server, host, phase, log }) {
    const declared = new Map<string, Policy>()
    const observers = phase(policiesChanged, 'observe')
    let rulings = fresh()

    function fresh(): ToldCache<ReadonlyMap<string, Ruling>> {
      return new ToldCache(CACHED, async account => {
        const found: Rules = {
          user: await rules.all(account),
          groups: (await groups.groupsOf(account)).map(({ name }) => name),
          domain: await rules.all(domain),
          everywhere: await rules.all(EVERYWHERE),
        }
        return new Map([...declared.values()].map(policy => [policy.name, rule(policy, found)]))
      })
    }

    function forget(text: string): void {
      const account = text === '' ? undefined : accountAddress(text, domain)
      if (account) rulings.forget(text)
      else rulings = fresh()
      server.finish(host, observe(observers, { account }, log))
    }
    server.hear(CHANGED, text => {
      if (text === '' || text.endsWith(`@${domain}`)) forget(text)
    })

    function changed(text: string): void {
      live.tell(CHANGED, text)
      forget(text)
    }

    function effective(name: string, { text }: Jid): Awaitable<Ruling> {
      const policy = declared.get(name)
      if (!policy) throw new Error(`Nobody has declared the policy ${name}`)
      return chain(rulings.get(text), all => all.get(name) ?? { value: policy.fallback, by: 'the default' })
    }

    /** For whom a rule is: its place in the store, in words, and whose rulings it changes. */
    async function scopeOf({ user, group }: CommandValues, policy: string) {
      if (user !== undefined && group !== undefined) throw new CommandError('A rule is for a user or for a group')
      if (user !== undefined) {
        const account = await known(user)
        return { owner: account.text, key: policy, whom: account.text, concerns: account.text }
      }
      if (group === undefined) return { owner: domain, key: policy, whom: domain, concerns: '' }
      const name = String(group)
      if (!(await groups.get(domain, name))) throw new CommandError(`There is no group ${name} on ${domain}`)
      return { owner: domain, key: groupKey(policy, name), whom: `the group ${name}`, concerns: '' }
    }

    async function known(text: unknown): Promise<Jid> {
      const account = accountAddress(String(text), domain)
      if (!(await accounts.exists(account))) throw new CommandError(`There is no account ${account}`)
      return account
    }

    function policyOf({ policy }: CommandValues): string {
      const name = String(policy)
      if (declared.has(name)) return name
      throw new CommandError(`There is no policy ${name}: there are ${[...declared.keys()].join(', ')}`)
    }

    async function list(): Promise<CommandRow[]> {
      const rows: CommandRow[] = []
      const ofDomain = await rules.all(domain)
      const everywhere = await rules.all(EVERYWHERE)
      for (const { name, fallback, help } of declared.values()) {
        const row = (scope: string, whom: string, value: boolean | undefined) =>
          value !== undefined && rows.push({ policy: name, scope, for: whom, value: value ? 'on' : 'off', help })
        row('default', '', fallback)
        row('everywhere', '', everywhere.get(name))
        row('domain', domain, ofDomain.get(name))
        for (const [key, value] of ofDomain) {
          const group = groupOf(key, name)
          if (group !== undefined) row('group', group, value)
        }
        for (const owner of await rules.owners(domain, name))
          if (owner !== domain) row('user', owner, await rules.get(owner, name))
      }
      return rows
    }

    async function put(owner: string, key: string, value: unknown, concerns: string): Promise<void> {
      if (value === 'unset') await rules.delete(owner, key)
      else await rules.set(owner, key, value === 'on')
      changed(concerns)
    }

    /** A group of the same name that comes later begins without rules. */
    async function regrouped(accounts: readonly Jid[], deleted: string | undefined): Promise<void> {
      if (deleted !== undefined)
        for (const policy of declared.keys()) await rules.delete(domain, groupKey(policy, deleted))
      for (const { text } of accounts) changed(text)
    }

    const api: Policies = { declare: policy => void declared.set(policy.name, policy), effective }
    return {
      api,
      on: [
        on(groupsChanged, 'observe', ({ accounts, deleted }) => regrouped(accounts, deleted)),
        on(accountRemoved, 'observe', ({ account }) => rulings.forget(account.text)),
      ],
      commands: {
        'policy list': async () => ({ rows: await list() }),
        'policy set': async values => {
          const policy = policyOf(values)
          const { owner, key, whom, concerns } = await scopeOf(values, policy)
          await put(owner, key, values['value'], concerns)
          return { text: `${policy} is ${values['value']} for ${whom}` }
        },
        'policy unset': async values => {
          const policy = policyOf(values)
          const { owner, key, whom, concerns } = await scopeOf(values, policy)
          await put(owner, key, 'unset', concerns)
          return { text: `There is no rule of ${policy} for ${whom} any more` }
        },
        'policy everywhere': async values => {
          const policy = policyOf(values)
          await put(EVERYWHERE, policy, values['value'], '')
          return { text: `${policy} is ${values['value']} for all domains` }
        },
        'policy effective': async values => {
          const policy = policyOf(values)
          const account = await known(values['user'])
          const { value, by } = await effective(policy, account)
          return { text: `${policy} is ${value ? 'on' : 'off'} for ${account}, by ${by}` }
        },
      },
    }
  },
})
