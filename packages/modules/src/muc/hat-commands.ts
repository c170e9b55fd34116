import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { DataForm, type FormField, formField, formOf, NS, readSubmission, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Request } from '@xmpp/server-core'
import { commandAnswer, commandInfo, commandRefusal, onlyStage } from '../command-elements.ts'
import { assign, create, destroy, HUE, TITLE, URI, unassign, WHO } from './hat-changes.ts'
import type { Parts } from './parts.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

const NODE = 'urn:xmpp:hats:commands'

/** One of the commands of XEP-0317, §3.2 to §3.7. */
interface HatCommand {
  readonly name: string
  /** What has to be filled in; absent: nothing. */
  fields?(room: Room): readonly FormField[]
  run(parts: Parts, room: Room, form: DataForm): Promise<DataForm | undefined>
}

const commands: ReadonlyMap<string, HatCommand> = new Map<string, HatCommand>([
  [
    `${NODE}:create`,
    {
      name: 'Create or change a hat',
      fields: () => [
        formField(TITLE, 'text-single', undefined, { label: 'Title', required: true }),
        formField(URI, 'text-single', undefined, { label: 'URI', required: true }),
        formField(HUE, 'text-single', undefined, { label: 'Colour, as an angle' }),
      ],
      run: create,
    },
  ],
  [`${NODE}:destroy`, { name: 'Destroy a hat', fields: room => [hatField(room)], run: destroy }],
  [`${NODE}:list`, { name: 'List the hats', run: async (_, room) => list(room) }],
  [`${NODE}:assign`, { name: 'Give somebody a hat', fields: wearing, run: assign }],
  [`${NODE}:unassign`, { name: 'Take a hat from somebody', fields: wearing, run: unassign }],
  [`${NODE}:list-assigned`, { name: 'List who wears which hat', run: async (_, room) => listWorn(room) }],
])

/** An ad-hoc command (XEP-0050) of a room. Its form may come at once; what is under way is nowhere but with the client. */
export async function runHatCommand(parts: Parts, room: Room, { from, payload }: Request): Promise<Element> {
  const { node = '', action = 'execute', sessionid = randomUUID() } = payload.attrs
  const command = commandOf(room, from, node)
  if (action === 'cancel') return commandAnswer(node, sessionid, 'canceled')
  if (action === 'prev' || action === 'next') throw commandRefusal('bad-action', 'The command for hats has one step')
  const submitted = readSubmission(payload, NODE)
  if (submitted?.type === 'cancel') return commandAnswer(node, sessionid, 'canceled')
  if (!submitted && command.fields) {
    const form = formOf('form', NODE, { title: command.name, fields: command.fields(room) })
    return commandAnswer(node, sessionid, 'executing', onlyStage(), form.toElement())
  }
  const result = await command.run(parts, room, submitted ?? new DataForm({ type: 'submit', fields: [] }))
  return commandAnswer(node, sessionid, 'completed', result?.toElement())
}

/** The commands that somebody may run (XEP-0050 §2.2). */
export function hatItems(room: Room, from: Jid): readonly Element[] {
  if (!isAtLeast(room.affiliationOf(from.bare), 'admin')) return []
  return [...commands].map(([node, { name }]) => el('item', NS.discoItems, { jid: room.jid, node, name }))
}

/** What such a command is; undefined: there is none of that name. */
export function hatCommandInfo(node: string): Element | undefined {
  const command = commands.get(node)
  return command && commandInfo(command.name, node)
}

/** Admins say who plays which part; which hats there are, everybody sees who is here. */
function commandOf(room: Room, from: Jid, node: string): HatCommand {
  const command = commands.get(node)
  if (!command) throw new StanzaError('item-not-found', 'The room has no such command')
  const isAdmin = isAtLeast(room.affiliationOf(from.bare), 'admin')
  if (!isAdmin && !(node === `${NODE}:list` && room.byReal(from))) {
    throw new StanzaError('forbidden', 'Admins decide about hats')
  }
  return command
}

function hatField({ hats }: Room): FormField {
  const options = [...hats.all].map(([value, { title }]) => ({ value, label: title }))
  return formField(URI, 'list-single', undefined, { label: 'Hat', required: true, options })
}

function wearing(room: Room): readonly FormField[] {
  return [formField(WHO, 'jid-single', undefined, { label: 'Address', required: true }), hatField(room)]
}

function list({ hats }: Room): DataForm {
  return table(
    [TITLE, URI, HUE],
    [...hats.all].map(([uri, { title, hue }]) => [title, uri, hue]),
  )
}

function listWorn({ hats }: Room): DataForm {
  const rows = [...hats.worn].flatMap(([account, uris]) =>
    uris.map(uri => {
      const { title, hue } = hats.all.get(uri)!
      return [account, uri, title, hue]
    }),
  )
  return table([WHO, URI, TITLE, HUE], rows)
}

function table(columns: readonly string[], rows: readonly (readonly (string | undefined)[])[]): DataForm {
  return formOf('result', NODE, {
    fields: [],
    reported: columns.map(column => formField(column, 'text-single')),
    items: rows.map(row => columns.map((column, n) => formField(column, 'text-single', row[n]))),
  })
}
