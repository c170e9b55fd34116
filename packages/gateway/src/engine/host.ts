import type { Event } from '@parley/adapter'
import type { Core, SessionInit } from './run/context.ts'
import type { RunnerCommand } from './run/runner.ts'

/** Who hears of a session, in the core. */
export interface Ears extends Core {
  /** Events in order, as they come; {@link Hosted.credit} says how many have been heard. */
  events(events: readonly Event[]): void
  /** What runs the session is gone; `lasting`: it will not come back by itself. */
  died(lasting: boolean): void
}

/** A session where it runs: here, or in a process of its own. */
export interface Hosted {
  /** Gives what it can be asked. @throws AdapterError */
  start(): Promise<readonly RunnerCommand[]>
  /** Never rejects. */
  stop(): Promise<void>
  /** @throws AdapterError */
  call(name: RunnerCommand, args: readonly unknown[]): Promise<unknown>
  credit(count: number): void
}

/** Where the sessions of one provider run. */
export interface Host {
  open(init: SessionInit, ears: Ears): Hosted
  /** Ends whatever runs. */
  close(): Promise<void>
}
