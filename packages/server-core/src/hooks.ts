import type { Stanza } from '@parley/stanza'
import { type Awaitable, isPromise } from './awaitable.ts'
import type { Logger } from './log.ts'

/**
 * What a listener says about a stanza: nothing (go on), drop it without a word (the reason is for the log), put another in
 * its place, or `handled` (this listener has done all that is to do). Throw a StanzaError to refuse.
 */
export type Verdict =
  | undefined
  | { readonly drop: string }
  | { readonly replace: Stanza }
  | { readonly handled: true }
  // biome-ignore lint/suspicious/noConfusingVoidType: a listener that only looks returns nothing
  | void

export const HANDLED: Verdict = { handled: true }

/** An extension point: a value that both the side that fires it and the side that listens import. */
export interface Hook<E, P extends string> {
  readonly name: string
  readonly phases: readonly P[]
  /** Only for the compiler: what is fired. */
  readonly event?: (event: E) => void
}

export interface Listener {
  readonly hook: Hook<never, string>
  readonly phase: string
  readonly run: (event: never) => Awaitable<Verdict>
}

export const defineHook =
  <E>() =>
  <P extends string>(name: string, ...phases: P[]): Hook<E, P> => ({ name, phases })

export function on<E, P extends string>(
  hook: Hook<E, P>,
  phase: NoInfer<P>,
  run: (event: E) => Awaitable<Verdict>,
): Listener {
  return { hook: hook as unknown as Hook<never, string>, phase, run: run as (event: never) => Awaitable<Verdict> }
}

/** Narrows a listener to one kind of stanza. */
export function only<K extends Stanza['name'], E extends { readonly stanza: Stanza }>(
  kind: K,
  run: (event: Omit<E, 'stanza'> & { readonly stanza: Extract<Stanza, { name: K }> }) => Awaitable<Verdict>,
): (event: E) => Awaitable<Verdict> {
  return event =>
    event.stanza.name === kind
      ? run(event as unknown as Omit<E, 'stanza'> & { readonly stanza: Extract<Stanza, { name: K }> })
      : undefined
}

type Run = (event: unknown) => Awaitable<Verdict>

/** The listeners of one phase, in order. The array is shared and kept up to date, so look it up once. */
export type Phase = { readonly name: string; readonly runs: Run[]; readonly owners: string[] }

/** Listeners of one host, by hook and phase. */
export class Hooks {
  readonly #phases = new Map<Hook<never, string>, Map<string, Phase>>()

  phase<E, P extends string>(hook: Hook<E, P>, name: NoInfer<P>): Phase {
    const key = hook as unknown as Hook<never, string>
    const phases = this.#phases.get(key) ?? new Map<string, Phase>()
    this.#phases.set(key, phases)
    const phase = phases.get(name) ?? { name: `${hook.name}/${name}`, runs: [], owners: [] }
    phases.set(name, phase)
    return phase
  }

  add(owner: string, listener: Listener): void {
    const phase = this.phase(listener.hook, listener.phase as never)
    phase.runs.push(listener.run as Run)
    phase.owners.push(owner)
  }
}

/**
 * Runs the listeners of a phase on an event until one drops or handles it. True: go on. Errors leave it: phases that decide
 * fail closed.
 */
export function decide(phase: Phase, event: { stanza: Stanza }): Awaitable<boolean> {
  return decideFrom(phase, event, 0)
}

function decideFrom(phase: Phase, event: { stanza: Stanza }, start: number): Awaitable<boolean> {
  for (let i = start; i < phase.runs.length; i++) {
    const verdict = phase.runs[i]!(event)
    if (verdict === undefined) continue
    if (isPromise(verdict)) {
      return verdict.then(settled => (settled && !apply(settled, event) ? false : decideFrom(phase, event, i + 1)))
    }
    if (!apply(verdict as Verdict, event)) return false
  }
  return true
}

function apply(verdict: Verdict, event: { stanza: Stanza }): boolean {
  if (!verdict) return true
  if ('replace' in verdict) {
    event.stanza = verdict.replace
    return true
  }
  return false
}

/** Runs listeners that only look on: one that throws is logged, and the others still run. */
export function observe(phase: Phase, event: unknown, log: Logger): Awaitable<void> {
  let waiting: Promise<unknown>[] | undefined
  for (let i = 0; i < phase.runs.length; i++) {
    try {
      const result = phase.runs[i]!(event)
      if (isPromise(result)) {
        waiting ??= []
        waiting.push(result.catch((error: unknown) => failed(log, phase, i, error)))
      }
    } catch (error) {
      failed(log, phase, i, error)
    }
  }
  if (waiting) return Promise.all(waiting).then(() => undefined)
}

function failed(log: Logger, phase: Phase, index: number, error: unknown): void {
  log.error('a listener failed', { hook: phase.name, module: phase.owners[index], error })
}
