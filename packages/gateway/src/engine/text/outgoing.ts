import { AdapterError, type Capabilities, type Outgoing, type Presence } from '@parley/adapter'
import { cleanLine } from './clean.ts'
import { cutText, splitText } from './split.ts'

const DEPTH = 4

/** The messages that one becomes on a network: the first with its key, the others with keys of their own. @throws AdapterError */
export function piecesOf(message: Outgoing, capabilities: Capabilities): readonly Outgoing[] {
  const texts = splitText(message.text, capabilities)
  if (!texts) throw new AdapterError('too-large', 'The message is too long for that network')
  if (texts.length === 0)
    throw new AdapterError('unsupported', 'There is nothing in the message that the network can take')
  const { key, replyTo, receipt, ...rest } = lines(message, DEPTH) as Outgoing
  return texts.map((text, index) => ({
    ...rest,
    text,
    key: index === 0 ? key : `${key}/${index + 1}`,
    // One answer, and one receipt, when the last one has arrived.
    ...(index === 0 && replyTo !== undefined && { replyTo }),
    receipt: receipt && index === texts.length - 1,
  }))
}

/** What a command is given, as a network may take it: no control characters anywhere (threat 152). @throws AdapterError */
export function argumentsOf(name: string, args: readonly unknown[], capabilities: Capabilities): readonly unknown[] {
  switch (name) {
    case 'setPresence': {
      const [presence, ...rest] = args
      return [presenceFor(presence as Presence, capabilities), ...rest]
    }
    case 'sendPresence': {
      const [to, presence, ...rest] = args
      return [lines(to, DEPTH), presenceFor(presence as Presence, capabilities), ...rest]
    }
    case 'edit': {
      const [to, target, text, ...rest] = args
      const pieces = splitText(String(text), { ...capabilities, multiline: true })
      const [only] = pieces ?? []
      if (only === undefined || pieces!.length > 1)
        throw new AdapterError('too-large', 'The message is too long for that network')
      return [lines(to, DEPTH), target, capabilities.multiline ? only : cleanLine(only), ...rest]
    }
    default:
      return args.map(each => lines(each, DEPTH))
  }
}

function presenceFor({ text, ...presence }: Presence, { maxStatusBytes, charset }: Capabilities): Presence {
  const shown = text === undefined || maxStatusBytes === undefined ? '' : cutText(text, maxStatusBytes, charset)
  return { ...presence, ...(shown !== '' && { text: shown }) }
}

/** The same with every text on one line. */
function lines(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanLine(value)
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (Array.isArray(value)) return value.map(each => lines(each, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, lines(each, depth - 1)]))
}
