import { createHash } from 'node:crypto'
import type { Live, NodeInfo, Placed } from '@parley/live'
import { StanzaError } from '@parley/stanza'
import type { Config } from './config/schema.ts'

/**
 * What a process may do of all that a server does: it has the doors of clients, and rooms; it has the links to other domains; it
 * has the sessions at other networks.
 */
export const ROLES = ['clients', 'federation', 'gateways'] as const
export type Role = (typeof ROLES)[number]

/** No process has the role that is asked for. */
export class NobodyError extends StanzaError {
  constructor(role: Role) {
    super('remote-server-timeout', `No process with the role ${role} is there now`, { type: 'wait' })
  }
}

/** Whether a listener is among what a process with these roles opens. */
export function opens({ roles }: Pick<Config, 'roles'>, door: keyof Config['listen']): boolean {
  // Whoever looks after a process asks it over plain HTTP, whatever it does.
  if (door === 'http') return true
  return roles.includes(door === 'server' || door === 'serverTls' ? 'federation' : 'clients')
}

/** What a node says of its roles to the others ({@link NodeInfo.about}). */
export function aboutRoles({ roles }: Pick<Config, 'roles'>): { readonly roles: string } {
  return { roles: roles.join(' ') }
}

/**
 * `Live.place` for what only nodes with a role may have. A node without it hears who has it, or who is to have it: that one takes its
 * place when it is spoken to. All nodes choose the same one, as long as they see the same others.
 *
 * @throws NobodyError where no node has the role
 */
export async function placeAmong(
  { config, live }: { readonly config: Pick<Config, 'roles'>; readonly live: Live },
  role: Role,
  name: string,
  gone?: string,
): Promise<Placed> {
  const placed = await live.place(name, gone, config.roles.includes(role))
  if (placed.node !== '') return placed
  const others = (await live.nodes()).filter(each => each.node !== gone)
  const node = fittest(others, role, name)
  if (node === undefined) throw new NobodyError(role)
  return { node, own: false, isNew: false }
}

/** The node with a role that is to have something; undefined where none has the role. */
export function fittest(nodes: readonly NodeInfo[], role: Role, name: string): string | undefined {
  const weights = new Map(nodes.filter(each => has(each, role)).map(({ node }) => [node, weightOf(node, name)]))
  return [...weights.keys()].sort((a, b) => Buffer.compare(weights.get(b)!, weights.get(a)!))[0]
}

/** Who is about to end has nothing new. */
function has({ lease, about }: NodeInfo, role: Role): boolean {
  const { roles = '', state } = about
  return lease > 0 && state !== 'draining' && String(roles).split(' ').includes(role)
}

/** Highest weight wins: when a node comes or goes, only what it has, or had, moves. */
function weightOf(node: string, name: string): Buffer {
  return createHash('sha256').update(`${node} ${name}`).digest()
}
