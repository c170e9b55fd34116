import type { Jid } from '@parley/jid'
import { readAddress, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Transit } from '@xmpp/server-core'
import { areAlike, type Looks, looksOf } from './looks.ts'
import { remove } from './moving.ts'
import { ADMIN } from './namespaces.ts'
import { readNick } from './nicks.ts'
import type { Occupant } from './occupant.ts'
import type { Parts } from './parts.ts'
import { AFFILIATIONS, type Affiliation, hasRole, isAtLeast, outranks, ROLES, type Role, roleOf } from './roles.ts'
import type { Affiliated, Room } from './room.ts'
import { maySeeList } from './seeing.ts'
import { markOf, tellChange } from './versions.ts'

/** A change of what somebody is to the room. */
export interface AffiliationChange {
  readonly account: Jid
  readonly affiliated: Affiliated
}

/** A change of what an occupant may do. */
interface RoleChange {
  readonly occupant: Occupant
  readonly role: Role
}

export interface Changes {
  readonly actor: Occupant | undefined
  readonly affiliations: readonly (AffiliationChange & { readonly reason: string | undefined })[]
  readonly roles: readonly (RoleChange & { readonly reason: string | undefined })[]
}

/** A list of occupants by role, or of accounts by affiliation (XEP-0045 §8.5, §9.2, §9.5, §9.8, §10.5, §10.8). */
export function listOf(room: Room, from: Jid, query: Element): Element {
  const [item] = query.childrenNamed('item')
  const { affiliation, role } = item?.attrs ?? {}
  const asker = room.byReal(from)
  const own = room.affiliationOf(from.bare)
  if (affiliation !== undefined) {
    const wanted = readAffiliation(affiliation)
    if (!maySeeList(room, own, asker, wanted)) throw new StanzaError('forbidden', 'The list is not for you')
    return el('query', ADMIN, null, [...affiliatedItems(room, wanted)])
  }
  const wanted = readRole(role)
  if (!asker || !hasRole(asker.role, 'moderator')) throw new StanzaError('forbidden', 'Only moderators may see roles')
  return el('query', ADMIN, null, [...room.occupants].filter(occupant => occupant.role === wanted).map(roleItem))
}

function* affiliatedItems(room: Room, wanted: Affiliation): Generator<Element> {
  for (const [jid, { affiliation, nick, reason }] of room.affiliations) {
    if (affiliation !== wanted) continue
    yield el(
      'item',
      ADMIN,
      { affiliation, jid, nick },
      reason === undefined ? undefined : el('reason', ADMIN, null, reason),
    )
  }
}

function roleItem({ affiliation, role, nick, seats }: Occupant): Element {
  const [seat] = seats.values()
  return el('item', ADMIN, { affiliation, role, nick, jid: seat?.jid.text })
}

/**
 * What a moderator, admin or owner asks for: all of it may be done, or it is refused as a whole.
 * @throws StanzaError
 */
export function readChanges(room: Room, from: Jid, query: Element): Changes {
  const items = query.childrenNamed('item')
  if (items.length === 0) throw new StanzaError('bad-request', 'Nothing to change')
  // §17.4
  if (items.some(({ attrs }) => attrs['affiliation'] !== undefined && attrs['role'] !== undefined))
    throw new StanzaError('bad-request', 'An item changes an affiliation or a role, not both')
  const actor = room.byReal(from)
  const own = room.affiliationOf(from.bare)
  const affiliations = items.filter(({ attrs }) => attrs['affiliation'] !== undefined)
  const roles = items.filter(({ attrs }) => attrs['affiliation'] === undefined)
  const changes = {
    actor,
    affiliations: affiliations.map(item => affiliationChange(room, from.bare, own, item)),
    roles: roles.map(item => roleChange(room, actor, own, item)),
  }
  checkOwnersLeft(room, changes.affiliations)
  checkNicks(room, changes.affiliations)
  return changes
}

function affiliationChange(room: Room, actor: Jid, own: Affiliation, item: Element) {
  const { jid, nick, affiliation } = item.attrs
  const account = jid === undefined ? room.byNick(nick ?? '')?.account : readAddress(jid).bare
  if (!account) throw new StanzaError('item-not-found', 'Whose affiliation it is must be said by jid, or by nick')
  const wanted = readAffiliation(affiliation)
  const before = room.affiliations.get(account.text)
  const had = before?.affiliation ?? 'none'
  // §9, §10: admins decide about members and outcasts, owners about everybody.
  if (!isAtLeast(own, 'admin')) throw new StanzaError('forbidden', 'Only admins change affiliations')
  // §9.1
  if (wanted === 'outcast' && account.equals(actor)) throw new StanzaError('conflict', 'You cannot ban yourself')
  if (own !== 'owner' && (isAtLeast(had, 'admin') || isAtLeast(wanted, 'admin'))) {
    throw new StanzaError(isAtLeast(had, own) ? 'not-allowed' : 'forbidden', 'Only owners change admins and owners')
  }
  const reason = item.textOf('reason', ADMIN)
  const given = wanted === 'member' && jid !== undefined && nick ? readNick(room, nick) : undefined
  // §9.5: an empty one is a nick that is not kept any more.
  const kept = nick === '' && jid !== undefined ? undefined : (given ?? before?.nick)
  const affiliated: Affiliated = {
    affiliation: wanted,
    ...(kept !== undefined && wanted !== 'outcast' && wanted !== 'none' && { nick: kept }),
    ...(reason !== undefined && { reason }),
  }
  return { account, affiliated, reason }
}

/** §10.4: there is always an owner. */
export function checkOwnersLeft(room: Room, changes: readonly AffiliationChange[]): void {
  const owners = new Set(
    [...room.affiliations].filter(([, { affiliation }]) => affiliation === 'owner').map(([jid]) => jid),
  )
  const had = owners.size
  for (const { account, affiliated } of changes) {
    if (affiliated.affiliation === 'owner') owners.add(account.text)
    else owners.delete(account.text)
  }
  if (had > 0 && owners.size === 0) throw new StanzaError('conflict', 'A room has an owner')
}

/** §7.12: a nick is kept for one; for two, neither could have it. Nor could two who look the same (threat 96). */
function checkNicks(room: Room, changes: readonly AffiliationChange[]): void {
  const changed = new Set(changes.map(({ account }) => account.text))
  const given: { readonly account: string; readonly looks: Looks }[] = []
  for (const { account, affiliated } of changes) {
    if (affiliated.nick === undefined) continue
    const looks = looksOf(affiliated.nick)
    const isNew = affiliated.nick !== room.affiliations.get(account.text)?.nick
    const isKept = isNew && room.affiliations.keepersOf(looks).some(keeper => !changed.has(keeper))
    const isGiven = given.some(other => other.account !== account.text && areAlike(other.looks, looks))
    if (isKept || isGiven) throw new StanzaError('conflict', 'That nick is kept for another member')
    given.push({ account: account.text, looks })
  }
}

function roleChange(room: Room, actor: Occupant | undefined, own: Affiliation, item: Element) {
  const { nick, role } = item.attrs
  if (nick === undefined) throw new StanzaError('bad-request', 'Whose role it is must be said by nick')
  const occupant = room.byNick(nick)
  if (!occupant) throw new StanzaError('item-not-found', 'Nobody here is called that')
  const wanted = readRole(role)
  if (!actor || !hasRole(actor.role, 'moderator')) throw new StanzaError('forbidden', 'Only moderators change roles')
  // §9.8: a list may name those who stay as they are.
  if (wanted === occupant.role) return { occupant, role: wanted, reason: undefined }
  // §5.1.3, §8.2: nobody acts against somebody of a higher affiliation, and voice of admins and owners stays.
  if (outranks(occupant.affiliation, own)) throw new StanzaError('not-allowed', 'That occupant outranks you')
  if (wanted !== 'none' && isAtLeast(occupant.affiliation, 'admin') && wanted !== 'moderator') {
    throw new StanzaError('not-allowed', 'Admins and owners are moderators')
  }
  // §8.4: "a user whose affiliation is at or above the moderator's level". §8.5 has "higher"; what obeys the stricter sentence obeys
  // both. Who has no affiliation is at no level: else moderators of a visit could take voice from nobody.
  const takesVoice = wanted === 'visitor' && hasRole(occupant.role, 'participant') && occupant !== actor
  if (takesVoice && occupant.affiliation !== 'none' && isAtLeast(occupant.affiliation, own)) {
    throw new StanzaError('not-allowed', 'That occupant has voice by an affiliation like yours')
  }
  const makesModerators = wanted === 'moderator' || occupant.role === 'moderator'
  if (makesModerators && occupant !== actor && !isAtLeast(own, 'admin')) {
    throw new StanzaError('not-allowed', 'Only admins make moderators')
  }
  return { occupant, role: wanted, reason: item.textOf('reason', ADMIN) }
}

/** Does what was found to be allowed, and tells everybody. */
export function applyChanges(room: Room, { actor, affiliations, roles }: Changes): void {
  for (const { occupant, role, reason } of roles) {
    if (role === occupant.role) continue
    if (role === 'none') remove(room, occupant, { codes: [307], reason, actor: actor?.nick })
    else {
      room.setRole(occupant, role)
      room.announce(occupant, { reason, actor: actor?.nick })
    }
  }
  for (const { account, affiliated, reason } of affiliations) affiliate(room, account, affiliated, reason, actor?.nick)
}

/** What somebody is to the room from now on, in the room and out of it. */
export function affiliate(room: Room, account: Jid, affiliated: Affiliated, reason?: string, actor?: string): void {
  const { affiliation } = affiliated
  if (affiliation === 'none') room.affiliations.delete(account.text)
  else room.affiliations.set(account.text, affiliated)
  const change = room.journal.take(account.text)
  const here = room.ofAccount(account)
  const remark = { reason, actor, marks: change && [markOf(change)] }
  for (const occupant of here) {
    const before = occupant.affiliation
    occupant.affiliation = affiliation
    if (affiliation === 'outcast') remove(room, occupant, { ...remark, codes: [301] })
    else if (affiliation === 'none' && room.config.membersOnly) remove(room, occupant, { ...remark, codes: [321] })
    else {
      // §5.1.3: what comes with an affiliation comes at once; what goes with one goes where it had come from that.
      if (before !== affiliation) room.setRole(occupant, roleAfter(room, occupant, before))
      room.announce(occupant, remark)
    }
  }
  // Nobody else has seen a presence of those whom the room does not show.
  if (change && !here.some(({ role }) => room.isShown(role))) tellChange(room, account, affiliation, change)
}

/** Kept first, then told. */
export async function become(
  { keeper, outlet }: Pick<Parts, 'keeper' | 'outlet'>,
  room: Room,
  account: Jid,
  affiliated: Affiliated,
  transit?: Transit,
): Promise<void> {
  await keeper.affiliate(room, account, affiliated)
  outlet.during(transit, () => affiliate(room, account, affiliated))
}

/** Who was made a moderator for this visit stays one with a better affiliation. */
function roleAfter(room: Room, { affiliation, role }: Occupant, before: Affiliation): Role {
  const given = roleOf(affiliation, room.config)
  return outranks(affiliation, before) && hasRole(role, given) ? role : given
}

function readAffiliation(text: string | undefined): Affiliation {
  const known = AFFILIATIONS.find(name => name === text)
  if (!known) throw new StanzaError('bad-request', 'There is no such affiliation')
  return known
}

function readRole(text: string | undefined): Role {
  const known = ROLES.find(name => name === text)
  if (!known) throw new StanzaError('bad-request', 'There is no such role')
  return known
}
