import { type DataForm, readAddress, StanzaError } from '@parley/stanza'
import { commandRefusal } from '../command-elements.ts'
import type { Hat } from './hats.ts'
import type { Parts } from './parts.ts'
import type { Room } from './room.ts'

/** Fields of the forms of XEP-0317, §3.8. */
export const TITLE = 'hats#title'
export const URI = 'hats#uri'
export const HUE = 'hats#hue'
export const WHO = 'hats#jid'

/** Hats of one room, hats that one account wears, and how long a title and a URI are. */
const MOST = 100
const WORN = 20
const TITLE_LENGTH = 200
const URI_LENGTH = 1000

/** Makes a hat, or changes one (§3.2). */
export async function create({ hats, outlet }: Parts, room: Room, form: DataForm): Promise<undefined> {
  const { all } = room.hats
  const uri = form.value(URI) ?? ''
  const hat = readHat(form)
  if (uri.length > URI_LENGTH || !/^[a-z][a-z\d+.-]*:[\x21-\x7e]+$/i.test(uri))
    throw commandRefusal('bad-payload', 'A hat needs a URI')
  if (all.size >= MOST && !all.has(uri)) throw new StanzaError('resource-constraint', 'The room has too many hats')
  await hats.hats.set(room.jid.text, uri, hat)
  all.set(uri, hat)
  outlet.during(undefined, () => {
    tellChange(room)
    for (const [account, worn] of room.hats.worn) if (worn.includes(uri)) show(room, account)
  })
}

function readHat(form: DataForm): Hat {
  const title = form.value(TITLE) ?? ''
  if (title === '' || title.length > TITLE_LENGTH) throw commandRefusal('bad-payload', 'A hat needs a title')
  const hue = form.value(HUE) ?? ''
  if (hue === '') return { title }
  if (!/^\d{1,3}(?:\.\d{1,12})?$/.test(hue) || Number(hue) > 360)
    throw commandRefusal('bad-payload', 'The colour of a hat is an angle from 0 to 360')
  return { title, hue }
}

/** §3.3: nobody wears it any more. */
export async function destroy(parts: Parts, room: Room, form: DataForm): Promise<undefined> {
  const uri = knownUri(room, form)
  const wearers = [...room.hats.worn].filter(([, worn]) => worn.includes(uri))
  for (const [account, worn] of wearers) await putOn(parts, room, account, without(worn, uri))
  await parts.hats.hats.delete(room.jid.text, uri)
  room.hats.all.delete(uri)
  parts.outlet.during(undefined, () => tellChange(room))
}

/** §3.5 */
export async function assign(parts: Parts, room: Room, form: DataForm): Promise<undefined> {
  const uri = knownUri(room, form)
  const account = readAddress(form.value(WHO)).bare.text
  const worn = room.hats.worn.get(account) ?? []
  if (worn.includes(uri)) return
  if (worn.length >= WORN) throw new StanzaError('resource-constraint', 'Nobody wears so many hats')
  await putOn(parts, room, account, [...worn, uri])
}

/** §3.6 */
export async function unassign(parts: Parts, room: Room, form: DataForm): Promise<undefined> {
  const uri = knownUri(room, form)
  const account = readAddress(form.value(WHO)).bare.text
  const worn = room.hats.worn.get(account) ?? []
  if (worn.includes(uri)) await putOn(parts, room, account, without(worn, uri))
}

function knownUri({ hats }: Room, form: DataForm): string {
  const uri = form.value(URI) ?? ''
  if (!hats.all.has(uri)) throw new StanzaError('item-not-found', 'There is no such hat')
  return uri
}

function without(worn: readonly string[], uri: string): readonly string[] {
  return worn.filter(other => other !== uri)
}

/** What somebody wears from now on. */
async function putOn({ hats, outlet }: Parts, room: Room, account: string, worn: readonly string[]): Promise<void> {
  if (worn.length === 0) {
    await hats.wearers.delete(room.jid.text, account)
    room.hats.worn.delete(account)
  } else {
    await hats.wearers.set(room.jid.text, account, worn)
    room.hats.worn.set(account, worn)
  }
  outlet.during(undefined, () => show(room, account))
}

/** §3.2, §3.3, §3.6: whoever is here sees it. */
function show(room: Room, account: string): void {
  for (const occupant of room.occupants) {
    if (occupant.account.text !== account) continue
    occupant.hats = room.hats.elementOf(occupant.account)
    room.announce(occupant)
  }
}

/** §3.2: there are other hats. */
function tellChange(room: Room): void {
  room.sayStatus([104])
}
