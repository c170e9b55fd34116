/** Something that an account may do or not. */
export interface Policy {
  /** As operators write it. */
  readonly name: string
  /** What holds where no rule does. */
  readonly fallback: boolean
  readonly help: string
}

/** Which value holds, and whose rule it is, in words for an operator. */
export interface Ruling {
  readonly value: boolean
  readonly by: string
}

/** What has been said that concerns an account, by policy; rules for groups are among those of the domain. */
export interface Rules {
  readonly user: ReadonlyMap<string, boolean>
  /** The groups of the account. */
  readonly groups: readonly string[]
  readonly domain: ReadonlyMap<string, boolean>
  readonly everywhere: ReadonlyMap<string, boolean>
}

/** The nearest rule holds: user, group, domain, everywhere. Of several groups, one that says no is enough. */
export function rule({ name, fallback }: Policy, { user, groups, domain, everywhere }: Rules): Ruling {
  const own = user.get(name)
  if (own !== undefined) return { value: own, by: 'the rule for this user' }
  const ofGroups = groups.filter(group => domain.has(groupKey(name, group)))
  const decisive = ofGroups.find(group => domain.get(groupKey(name, group)) === false) ?? ofGroups[0]
  if (decisive !== undefined)
    return { value: domain.get(groupKey(name, decisive)) === true, by: `the rule for the group ${decisive}` }
  const ofDomain = domain.get(name)
  if (ofDomain !== undefined) return { value: ofDomain, by: 'the rule for the domain' }
  const general = everywhere.get(name)
  if (general !== undefined) return { value: general, by: 'the rule for all domains' }
  return { value: fallback, by: 'the default' }
}

/** Under which key the domain keeps the rule for a group. */
export function groupKey(policy: string, group: string): string {
  return `${policy} ${group}`
}

/** The group whose rule of that policy is kept under a key; undefined where it is none. */
export function groupOf(key: string, policy: string): string | undefined {
  return key.startsWith(`${policy} `) ? key.slice(policy.length + 1) : undefined
}
