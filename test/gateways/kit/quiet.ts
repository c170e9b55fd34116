import type { Presence } from '@parley/adapter'
import type { Person, Signal } from './peer.ts'

/** Somebody who only speaks: what else their network has they do in their own way. */
export abstract class Quiet implements Person {
  abstract readonly id: string
  abstract readonly told: Person['told']
  abstract says(to: string, text: string, replyTo?: string): Promise<string | undefined>
  async signals(_to: string, _signal: Signal): Promise<void> {}
  async shows(_presence: Presence): Promise<void> {}
  async adds(_id: string): Promise<void> {}
  async answers(_id: string, _yes: boolean): Promise<void> {}
  async removes(_id: string): Promise<void> {}
  async joins(_room: string, _nick: string): Promise<void> {}
  async parts(_room: string): Promise<void> {}
  async leaves(): Promise<void> {}
}
