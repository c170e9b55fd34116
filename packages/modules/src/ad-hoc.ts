import { randomBytes } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Command,
  CommandError,
  type CommandResult,
  defineModule,
  integer,
  iqSet,
  on,
  type Request,
  readValues,
  sessionEnded,
} from '@xmpp/server-core'
import { commandAnswer, commandInfo, commandRefusal, commandsInfo, onlyStage } from './command-elements.ts'
import { formFor, resultForm, valuesFrom } from './command-forms.ts'
import disco from './disco.ts'

const NODE = 'urn:parley:command:'
/** Commands that have been begun, of all who may; the oldest goes first. */
const BEGUN = 1000
const LIFETIME = 10 * 60_000

const ACTIONS: ReadonlySet<string> = new Set(['execute', 'cancel', 'prev', 'next', 'complete'])

interface Begun {
  readonly command: Command
  /** Only the full JID that began it goes on (XEP-0050 §3.3). */
  readonly by: Jid
  readonly until: number
}

/** Ad-hoc commands (XEP-0050): what the operator can type, for admins of the domain from any client, as forms. */
export default defineModule({
  name: 'ad-hoc',
  xeps: [{ number: 50, version: '1.3.0' }],
  features: { host: [NS.commands] },
  uses: { disco },
  config: { sessions: integer(10, 1, 1000, 'commands that one session may have begun at once') },
  setup({ config, host, domain, clock, log, uses }) {
    const begun = new Map<string, Begun>()
    const admins = new Set(domain.admins)
    const isAdmin = ({ from }: Request) => admins.has(from.bare.text)
    const commands = () => host.commands.filter(({ isWide }) => !isWide)
    const commandOf = (node: string) => commands().find(({ name }) => nodeOf(name) === node)

    /** XEP-0050 §4.4, and the same word for those who may not as for what is not there. */
    function checked(request: Request): Command {
      if (!isAdmin(request)) throw new StanzaError('forbidden', 'Commands are for admins')
      const command = commandOf(request.payload.attrs['node'] ?? '')
      if (!command) throw new StanzaError('item-not-found', 'There is no such command')
      return command
    }

    async function handle(request: Request): Promise<Element> {
      const command = checked(request)
      const { action = 'execute', sessionid } = request.payload.attrs
      if (!ACTIONS.has(action)) throw commandRefusal('malformed-action', 'Unknown action')
      if (sessionid === undefined) return begin(command, action, request)
      const known = begun.get(sessionid)
      if (!known?.by.equals(request.from) || known.command !== command)
        throw commandRefusal('bad-sessionid', 'There is no such command under way')
      if (known.until <= clock.monotonic()) {
        begun.delete(sessionid)
        throw new StanzaError('not-allowed', 'The command took too long', {
          extra: [el('session-expired', NS.commands)],
        })
      }
      return goOn(command, action, sessionid, request)
    }

    async function begin(command: Command, action: string, request: Request): Promise<Element> {
      if (action !== 'execute') throw commandRefusal('bad-action', 'The command has not begun')
      const id = randomBytes(16).toString('base64url')
      if (command.parameters.length === 0) return completed(command, id, await run(command, {}, request))
      const now = clock.monotonic()
      const own = [...begun].filter(([, { by }]) => by.equals(request.from))
      for (const [old, { until }] of own) if (until <= now) begun.delete(old)
      if (own.filter(([, { until }]) => until > now).length >= config.sessions)
        throw new StanzaError('resource-constraint', 'Too many commands are under way')
      begun.set(id, { command, by: request.from, until: now + LIFETIME })
      if (begun.size > BEGUN) begun.delete(begun.keys().next().value!)
      return commandAnswer(nodeOf(command.name), id, 'executing', onlyStage(), formFor(command).toElement())
    }

    async function goOn(command: Command, action: string, id: string, request: Request): Promise<Element> {
      if (action === 'cancel') {
        begun.delete(id)
        return commandAnswer(nodeOf(command.name), id, 'canceled')
      }
      if (action === 'prev' || action === 'next') throw commandRefusal('bad-action', 'The command has one stage')
      const values = payload(command, request)
      begun.delete(id)
      return completed(command, id, await run(command, values, request))
    }

    /** A form that cannot be used leaves the command under way, so that it can be filled in again. */
    function payload(command: Command, request: Request): ReturnType<typeof readValues> {
      try {
        return readValues(command, valuesFrom(command, request.payload.child('x', NS.dataForms)))
      } catch (error) {
        if (error instanceof CommandError) throw commandRefusal('bad-payload', `Not usable: ${error.message}`)
        throw error
      }
    }

    /** XEP-0050 §3.6: what fails is completed too, with a note that says so. */
    async function run(command: Command, values: ReturnType<typeof readValues>, { from }: Request): Promise<Element[]> {
      log.info('admin command', { command: command.name, admin: from.text })
      try {
        return contentOf(await command.run(values))
      } catch (error) {
        if (error instanceof CommandError) return [note('error', error.message)]
        throw error
      }
    }

    async function list(request: Request) {
      if (!isAdmin(request)) return []
      return commands().map(({ name, summary }) => ({ jid: host.jid, node: nodeOf(name), name: summary }))
    }

    function nodeInfo(request: Request): Element {
      const { summary } = checked(request)
      return commandInfo(summary)
    }

    uses.disco.addNode('host', NS.commands, { info: commandsInfo, items: list })
    uses.disco.addNodes(node => (node.startsWith(NODE) ? { info: nodeInfo, items: nothing } : undefined))
    return {
      iq: [iqSet('host', NS.commands, 'command', handle)],
      on: [
        on(sessionEnded, 'observe', ({ entry }) => {
          for (const [id, { by }] of begun) if (by.equals(entry.jid)) begun.delete(id)
        }),
      ],
    }
  },
})

function nothing(): [] {
  return []
}

function nodeOf(name: string): string {
  return NODE + name.replaceAll(' ', '-')
}

function completed({ name }: Command, id: string, content: readonly Element[]): Element {
  return commandAnswer(nodeOf(name), id, 'completed', ...content)
}

function contentOf({ text, rows }: CommandResult): Element[] {
  const table = rows ? [resultForm(rows).toElement()] : []
  return text === undefined ? table : [...table, note('info', text)]
}

function note(type: 'info' | 'error', text: string): Element {
  return el('note', NS.commands, { type }, text)
}
