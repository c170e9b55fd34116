import type { Occupant } from './occupant.ts'
import { AFFILIATIONS, type Affiliation, isAtLeast, roleOf } from './roles.ts'
import type { Room } from './room.ts'

/** Whether somebody may see who has an affiliation. Threat 81: outsiders and visitors learn nothing. */
export function maySeeList(
  { config }: Room,
  own: Affiliation,
  asker: Occupant | undefined,
  wanted: Affiliation,
): boolean {
  if (wanted === 'owner' || wanted === 'admin')
    return isAtLeast(own, 'owner') || (config.whois === 'anyone' && isAtLeast(own, 'admin'))
  if (isAtLeast(own, 'admin')) return true
  if (wanted !== 'member') return false
  // §5.2.1: where addresses are hidden, the list would show them.
  if (config.whois !== 'anyone') return asker?.role === 'moderator'
  if (asker) return config.memberList.includes(asker.role)
  // §9.5: a member who is not here has what it would have here.
  return own === 'member' && config.memberList.includes(roleOf(own, config))
}

/** All affiliations that an occupant may know about. */
export function visibleTo(room: Room, occupant: Occupant): ReadonlySet<Affiliation> {
  const seen = AFFILIATIONS.filter(one => one !== 'none' && maySeeList(room, occupant.affiliation, occupant, one))
  // §10.5, §10.8: where everybody sees addresses, owners and admins are no secret to those who see the members.
  const open = room.config.whois === 'anyone' && seen.includes('member')
  return new Set(open ? [...seen, 'owner', 'admin'] : seen)
}
