import type { Actor } from '@parley/testkit'
import { el } from '@parley/xml'

export const MUC = 'http://jabber.org/protocol/muc'
export const USER = `${MUC}#user`
export const ADMIN = `${MUC}#admin`
export const OWNER = `${MUC}#owner`
export const ROOM = 'coven@conference.a.test'

/** Somebody enters a room where others are; gives nothing, and leaves the subject as the last thing that came. */
export async function enters(actor: Actor, nick: string, others: readonly string[] = []): Promise<void> {
  await actor.sends`<presence to="${ROOM}/${nick}"><x xmlns="${MUC}"/></presence>`
  for (const other of others) await actor.receives`<presence from="${ROOM}/${other}"/>`
  await actor.receives`<presence from="${ROOM}/${nick}"><x xmlns="${USER}"><status code="110"/></x></presence>`
  await actor.receives`<message type="groupchat"><subject/></message>`
}

/** Makes a room with the settings that are given, by the names of the form; most begin with the same, which is left out. */
export async function makes(
  actor: Actor,
  nick: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  await actor.sends`<presence to="${ROOM}/${nick}"><x xmlns="${MUC}"/></presence>`
  await actor.receives`<presence from="${ROOM}/${nick}"><x xmlns="${USER}"><item affiliation="owner" role="moderator"/><status code="110"/><status code="201"/></x></presence>`
  await actor.receives`<message type="groupchat" from="${ROOM}"><subject/></message>`
  await configures(actor, settings)
  await actor.settles()
}

export async function configures(actor: Actor, settings: Readonly<Record<string, string>>): Promise<void> {
  const fields = Object.entries(settings).map(
    ([name, value]) =>
      `<field var="${name.includes('#') ? name : `muc#roomconfig_${name}`}"><value>${value}</value></field>`,
  )
  await actor.asksRaw(
    `<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${MUC}#roomconfig</value></field>${fields.join('')}</x></query></iq>`,
  )
}

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** Presence or message came back with that error. */
export async function isRefused(
  actor: Actor,
  name: 'presence' | 'message',
  condition: string,
  text: string,
): Promise<void> {
  const error = el('error', 'jabber:client', null, el(condition, STANZAS), el('text', STANZAS, null, text))
  if (name === 'presence') await actor.receives`<presence type="error">${error}</presence>`
  else await actor.receives`<message type="error">${error}</message>`
}
