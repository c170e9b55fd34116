import type { Ack, Feature, Place } from '@parley/adapter'
import { isEncrypted } from '@parley/modules'
import { type Message, StanzaError } from '@parley/stanza'
import { cleanLine } from '../engine/text/clean.ts'
import type { AccountKey, Engine } from '../engine.ts'
import {
  ATTENTION,
  CLIENT,
  CORRECT,
  FALLBACK,
  MARKERS,
  REACTIONS,
  RECEIPTS,
  REPLY,
  RETRACT,
  STATES,
} from './namespaces.ts'

type By = { readonly key: string; readonly user?: string }

/** What a message means over there. */
export interface Deed {
  /** Nobody misses it where it comes to nothing: typing, what was read. */
  readonly quiet?: true
  run(engine: Engine, account: AccountKey, to: Place, by: By): Doing
}

export interface Doing {
  /** Resolves when a restart does not lose it; absent: it is done now or never. */
  readonly kept?: Promise<void>
  readonly done: Promise<Ack | undefined>
}

export interface Known {
  can(feature: Feature, way: 'out'): boolean
  /** The network's id of a message with that stanza id. */
  native(stanza: string): Promise<string | undefined>
}

const TYPING: Readonly<Record<string, 'composing' | 'paused' | 'gone'>> = {
  composing: 'composing',
  paused: 'paused',
  gone: 'gone',
}

/**
 * Reads what is to be done. What a network cannot do is refused, so that its sender knows, and never said again in other words;
 * a reply keeps the text that was quoted for those who know no replies. Undefined: nothing.
 * @throws StanzaError where the network cannot do it
 */
export async function deedOf(message: Message, known: Known): Promise<Deed | undefined> {
  if (isEncrypted(message)) throw new StanzaError('not-acceptable', 'This network cannot carry what is encrypted')
  return (await aboutAnother(message, known)) ?? (await sayingOf(message, known)) ?? quietly(message, known)
}

/** Something about a message that was there before. */
async function aboutAnother(message: Message, known: Known): Promise<Deed | undefined> {
  const retract = message.child('retract', RETRACT)
  if (retract) {
    const target = await named(retract.attrs['id'], 'retract', 'This network takes nothing back', known)
    return deed((engine, account, to, by) => engine.run(account, 'retract', to, target, by))
  }
  const reactions = message.child('reactions', REACTIONS)
  if (reactions) {
    const target = await named(reactions.attrs['id'], 'reaction', 'This network knows no reactions', known)
    const emojis = reactions.childrenNamed('reaction').map(reaction => reaction.text())
    return deed((engine, account, to, by) => engine.run(account, 'react', to, target, emojis, by))
  }
  const replace = message.child('replace', CORRECT)
  if (!replace) return undefined
  const target = await named(replace.attrs['id'], 'edit', 'This network corrects nothing', known)
  return {
    run: (engine, account, to, by) => ({
      done: engine.run(account, 'edit', to, target, textOf(message, known), by),
    }),
  }
}

async function sayingOf(message: Message, known: Known): Promise<Deed | undefined> {
  const wantsAttention = message.child('attention', ATTENTION) !== undefined
  const text = textOf(message, known)
  if (text === '') {
    if (!wantsAttention) return undefined
    if (!known.can('attention', 'out')) throw new StanzaError('feature-not-implemented', 'This network shakes nobody')
    return deed((engine, account, to, by) => engine.run(account, 'attention', to, by))
  }
  const reply = message.child('reply', REPLY)?.attrs['id']
  const replyTo = reply !== undefined && known.can('reply', 'out') ? await known.native(reply) : undefined
  const [thread, subject] = [message.textOf('thread'), message.textOf('subject')]
  const receipt = message.child('request', RECEIPTS) !== undefined || message.child('markable', MARKERS) !== undefined
  const details = {
    ...(replyTo !== undefined && { replyTo }),
    ...(thread !== undefined && { thread: cleanLine(thread) }),
    ...(subject !== undefined && { subject: cleanLine(subject) }),
  }
  return {
    run(engine, account, to, by) {
      if (wantsAttention && known.can('attention', 'out'))
        engine.run(account, 'attention', to, { ...by, key: `${by.key}!` }).catch(() => undefined)
      return engine.send(account, { to, text, receipt, ...details, ...by })
    },
  }
}

function quietly(message: Message, known: Known): Deed | undefined {
  const displayed = message.child('displayed', MARKERS)?.attrs['id']
  if (displayed !== undefined) {
    if (!known.can('read', 'out')) return undefined
    return quiet(async (engine, account, to, by) => {
      const native = await known.native(displayed)
      if (native !== undefined) await engine.run(account, 'read', to, [native], by)
    })
  }
  const received = message.child('received', RECEIPTS)?.attrs['id']
  if (received !== undefined) {
    if (!known.can('receipts', 'out')) return undefined
    return quiet(async (engine, account, to, by) => {
      const native = await known.native(received)
      if (native !== undefined) await engine.run(account, 'delivered', to, [native], by)
    })
  }
  const state = message.children.find(child => typeof child !== 'string' && child.ns === STATES)
  const typing = typeof state === 'object' && Object.hasOwn(TYPING, state.name) ? TYPING[state.name] : undefined
  if (!typing || !known.can('typing', 'out')) return undefined
  return quiet((engine, account, to, by) => engine.run(account, 'typing', to, typing, by))
}

async function named(id: string | undefined, feature: Feature, cannot: string, known: Known): Promise<string> {
  if (!known.can(feature, 'out')) throw new StanzaError('feature-not-implemented', cannot)
  const native = id === undefined ? undefined : await known.native(id)
  if (native === undefined) throw new StanzaError('item-not-found', 'That message is not known there')
  return native
}

/** The body without what is only for those who know no replies (XEP-0428), where the network knows them. */
function textOf(message: Message, known: Known): string {
  const body = message.textOf('body', CLIENT) ?? ''
  const fallback = message.children.find(
    child => typeof child !== 'string' && child.ns === FALLBACK && child.attrs['for'] === REPLY,
  )
  const range = typeof fallback === 'object' ? fallback.child('body') : undefined
  if (!range || !known.can('reply', 'out') || !message.child('reply', REPLY)) return body
  // Positions count characters, not halves of them.
  const characters = [...body]
  const [start, end] = [Number(range.attrs['start'] ?? 0), Number(range.attrs['end'] ?? characters.length)]
  if (!(start >= 0 && end >= start && end <= characters.length)) return body
  return [...characters.slice(0, start), ...characters.slice(end)].join('')
}

type Run = (engine: Engine, account: AccountKey, to: Place, by: By) => Promise<unknown>

function deed(run: Run): Deed {
  return { run: (...args) => ({ done: run(...args).then(() => undefined) }) }
}

function quiet(run: Run): Deed {
  return { quiet: true, ...deed(run) }
}
