import type { RoomConfig } from './config.ts'

export const ROLES = ['none', 'visitor', 'participant', 'moderator'] as const
/** What somebody may do during a visit (XEP-0045 §5.1). */
export type Role = (typeof ROLES)[number]

export const AFFILIATIONS = ['outcast', 'none', 'member', 'admin', 'owner'] as const
/** What somebody is to the room, visits or not (§5.2). */
export type Affiliation = (typeof AFFILIATIONS)[number]

export function outranks(one: Affiliation, other: Affiliation): boolean {
  return AFFILIATIONS.indexOf(one) > AFFILIATIONS.indexOf(other)
}

export function isAtLeast(one: Affiliation, other: Affiliation): boolean {
  return !outranks(other, one)
}

export function hasRole(one: Role, other: Role): boolean {
  return ROLES.indexOf(one) >= ROLES.indexOf(other)
}

/** The role that an affiliation enters with (§5.1.2). */
export function roleOf(affiliation: Affiliation, { moderated }: Pick<RoomConfig, 'moderated'>): Role {
  switch (affiliation) {
    case 'outcast':
      return 'none'
    case 'owner':
    case 'admin':
      return 'moderator'
    case 'member':
      return 'participant'
    case 'none':
      return moderated ? 'visitor' : 'participant'
  }
}
