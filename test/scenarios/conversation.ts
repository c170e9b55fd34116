import { expect } from '@jest/globals'
import type { Actor, StagedServer } from '@parley/testkit'
import { type Element, el, parseElement } from '@parley/xml'
import { read } from './archive-reader.ts'
import { enters, makes, ROOM } from './room.ts'
import { sees } from './room-lines.ts'

const CARBONS = 'urn:xmpp:carbons:2'
const FORWARD = 'urn:xmpp:forward:0'

/** What a message says beside what servers add to it. */
const said = (xml: string, attributes: Readonly<Record<string, string>>) =>
  el('message', 'jabber:client', attributes, parseElement(`<x xmlns="jabber:client">${xml}</x>`).elements())

const copied = (direction: string, message: Element) =>
  el('message', 'jabber:client', null, el(direction, CARBONS, null, el('forwarded', FORWARD, null, message)))

/**
 * Romeo says it to Juliet, who is here, and to the nurse, who is away: both hear it, his phone and Juliet's have copies, and all
 * of them find it in their archives.
 */
export async function isKept(stage: StagedServer, xml: string, type = 'chat'): Promise<void> {
  await stage.account('nurse')
  // The default type is not written.
  const written = type === 'normal' ? {} : { type }
  const people = ['romeo/orchard', 'romeo/phone', 'juliet/balcony', 'juliet/phone'] as const
  const [romeo, phone, juliet, tablet] = await stage.join(...people)
  await phone.asks`<iq type="set"><enable xmlns="${CARBONS}"/></iq>`
  await tablet.asks`<iq type="set"><enable xmlns="${CARBONS}"/></iq>`
  await romeo.sendsRaw(`<message type="${type}" to="${juliet}" id="m">${xml}</message>`)
  await juliet.receives`${said(xml, { id: 'm', ...written })}`
  await phone.receives`${copied('sent', said(xml, { id: 'm', ...written }))}`
  await tablet.receives`${copied('received', said(xml, { id: 'm', ...written }))}`
  await romeo.sendsRaw(`<message type="${type}" to="nurse@a.test" id="n">${xml}</message>`)
  await romeo.fence()
  const nurse = await wakes(stage)
  await nurse.receives`${said(`${xml}<delay xmlns="urn:xmpp:delay"/>`, { id: 'n', ...written })}`
  await phone.settles()
  expect(await archive(romeo)).toEqual(['m', 'n'])
  expect(await archive(juliet)).toEqual(['m'])
  expect(await archive(nurse)).toEqual(['n'])
}

/** Romeo says it to Juliet, who is here, and to the nurse, who is away: Juliet alone hears it, and nobody has it later. */
export async function passes(stage: StagedServer, xml: string): Promise<void> {
  await stage.account('nurse')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  for (const to of [juliet.bare, 'nurse@a.test']) {
    await romeo.sendsRaw(`<message type="chat" to="${to}" id="m">${xml}</message>`)
  }
  await juliet.receives`${said(xml, { id: 'm' })}`
  await romeo.settles()
  const nurse = await wakes(stage)
  await nurse.receivesNothing()
  for (const actor of [romeo, juliet, nurse]) expect(await archive(actor)).toEqual([])
}

/**
 * Romeo says it in a room: everybody there hears it with the room's id, who comes later is shown it, and the room's archive has
 * it.
 */
export async function isKeptInRoom(stage: StagedServer, xml: string): Promise<void> {
  const [romeo, juliet, nurse] = await room(stage)
  await romeo.sendsRaw(`<message type="groupchat" to="${ROOM}" id="m">${xml}</message>`)
  const line = said(`${xml}<stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}"/>`, { id: 'm', type: 'groupchat' })
  for (const actor of [romeo, juliet]) await actor.receives`${line}`
  expect(await archive(juliet, ROOM)).toEqual(['m'])
  expect((await sees(nurse, 'nurse')).filter(message => message.includes('id="m"'))).toHaveLength(1)
  for (const actor of [romeo, juliet]) await actor.settles()
}

/** Romeo says it in a room: everybody there hears it, and nobody later. */
export async function passesInRoom(stage: StagedServer, xml: string): Promise<void> {
  const [romeo, juliet, nurse] = await room(stage)
  await romeo.sendsRaw(`<message type="groupchat" to="${ROOM}" id="m">${xml}</message>`)
  for (const actor of [romeo, juliet]) await actor.receives`${said(xml, { id: 'm', type: 'groupchat' })}`
  expect(await archive(juliet, ROOM)).toEqual([])
  expect((await sees(nurse, 'nurse')).filter(message => message.includes('id="m"'))).toEqual([])
  for (const actor of [romeo, juliet]) await actor.settles()
}

/** Ids of the messages that an archive has. */
export async function archive(actor: Actor, to?: string): Promise<(string | undefined)[]> {
  const { messages } = await read(actor, to === undefined ? {} : { to })
  return messages.map(({ attrs }) => attrs['id'])
}

async function room(stage: StagedServer): Promise<readonly [Actor, Actor, Actor]> {
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/kitchen')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (const actor of [romeo, juliet]) await actor.settles()
  return [romeo, juliet, nurse]
}

async function wakes(stage: StagedServer): Promise<Actor> {
  const [nurse] = await stage.connect('nurse/kitchen')
  await nurse.sends`<presence/>`
  await nurse.receives`<presence/>`
  return nurse
}
