import { AdapterError, type Context } from '@parley/adapter'
import type { LoopSettings } from './settings.ts'

/** What adapters must never do, for tests of what runs them: each kind as a setting names it. */
type Misdeed = (context: Context<LoopSettings>) => Promise<(() => void) | undefined>

const MEBIBYTE = 1_048_576
const held: unknown[] = []

const misdeeds: Readonly<Record<string, Misdeed>> = {
  /** Takes the thread for itself for ever. */
  spin: async () => {
    for (;;);
  },
  /** Never answers. */
  hang: () => new Promise(() => {}),
  /** An error that nobody catches. */
  throw: async ({ clock }) => clock.after(0, () => raise()),
  leak: async ({ clock }) =>
    clock.every(1, () => held.push(Array.from({ length: MEBIBYTE / 8 }, (_, index) => ({ index })))),
  'leak-buffers': async ({ clock }) => clock.every(1, () => held.push(Buffer.alloc(8 * MEBIBYTE, 1))),
  /** Says more than anybody can hear. */
  flood: async ({ clock, emit }) =>
    clock.every(1, () => {
      for (let index = 0; index < 1000; index++)
        emit({ type: 'message', peer: 'flood', text: `${index} of many`, origin: 'remote' })
    }),
  /** Says what no network may say. */
  garbage: async ({ emit }) => {
    const nonsense = ['\u0000\u0007\ud800', 'x'.repeat(MEBIBYTE), '\u202e', '\r\nQUIT']
    for (const text of nonsense) emit({ type: 'message', peer: text, text, id: text, origin: 'remote' })
    emit({ type: 'nonsense', id: {} } as never)
    emit(undefined as never)
    return undefined
  },
  /** Does not hear that it is to stop, nor anything else. */
  deaf: () => new Promise(() => {}),
  limited: async () => {
    throw new AdapterError('limited', 'You are too fast', 60_000)
  },
  print: async ({ secrets }) => {
    console.log('the password is', await secrets.get('password'))
    console.error(await secrets.get('password'))
    return undefined
  },
}

/** Does what the operator asked for, if it is time. Gives what ends it. */
export async function misbehave(
  when: 'start' | 'online' | 'command',
  context: Context<LoopSettings>,
): Promise<(() => void) | undefined> {
  const { misbehaves, when: wanted } = context.settings
  return when === wanted ? misdeeds[misbehaves]?.(context) : undefined
}

function raise(): never {
  throw new Error('An adapter that fails')
}
