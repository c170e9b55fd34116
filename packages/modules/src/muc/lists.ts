import type { Jid } from '@parley/jid'
import { type DataForm, type FormField, formField, readAddress } from '@parley/stanza'
import { type AffiliationChange, checkOwnersLeft } from './administering.ts'
import { type Affiliation, isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

const ADMINS = 'muc#roomconfig_roomadmins'
const OWNERS = 'muc#roomconfig_roomowners'
/** Fields of the owners' form that are no settings: who is admin, and who is owner, each in full (XEP-0045 §16.5.3). */
export const LISTS: ReadonlySet<string> = new Set([ADMINS, OWNERS])

export function listFields({ affiliations }: Room): FormField[] {
  const named = (wanted: Affiliation) =>
    [...affiliations].flatMap(([account, { affiliation }]) => (affiliation === wanted ? account : []))
  return [
    formField(ADMINS, 'jid-multi', named('admin'), { label: 'Admins' }),
    formField(OWNERS, 'jid-multi', named('owner'), { label: 'Owners' }),
  ]
}

/** What becomes of whom by the lists in a form; those that are left out stay as they were. @throws StanzaError `conflict` */
export function listChanges(room: Room, form: DataForm): readonly AffiliationChange[] {
  const owners = accountsIn(form, OWNERS)
  const admins = accountsIn(form, ADMINS)
  const concerned = new Map([...(owners ?? []), ...(admins ?? [])])
  for (const account of room.affiliations.members) concerned.set(account.text, account)
  const changes: AffiliationChange[] = []
  for (const [text, account] of concerned) {
    const before = room.affiliations.get(text)
    const had = before?.affiliation ?? 'none'
    const affiliation = affiliationBy(had, owners?.has(text), admins?.has(text))
    if (affiliation === had) continue
    const nick = before?.nick
    changes.push({ account, affiliated: { affiliation, ...(nick !== undefined && { nick }) } })
  }
  checkOwnersLeft(room, changes)
  return changes
}

/** §10.2: an owner who is left out is an admin from then on, unless the same form says who the admins are. */
function affiliationBy(had: Affiliation, isOwner = had === 'owner', isAdmin = isAtLeast(had, 'admin')): Affiliation {
  if (isOwner) return 'owner'
  if (isAdmin) return 'admin'
  return isAtLeast(had, 'admin') ? 'member' : had
}

function accountsIn(form: DataForm, field: string): ReadonlyMap<string, Jid> | undefined {
  if (!form.field(field)) return undefined
  const named = form.values(field).flatMap(value => (value.trim() === '' ? [] : readAddress(value.trim()).bare))
  return new Map(named.map(account => [account.text, account]))
}
