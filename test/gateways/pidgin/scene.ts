import type { Adapter } from '@parley/adapter'
import type { ProgramName } from '../../interop/programs.ts'
import type { Verona } from './verona.ts'

/** Whom Romeo adds: somebody at the far end of a network, with a program of that network. */
export interface Friend {
  /** Lets Romeo see them, where the network asks for that. */
  accepts(): Promise<void>
  says(text: string): Promise<void>
  /** Resolves when this has come to them, word for word. */
  hears(text: string): Promise<void>
}

/** The network itself, which runs. */
export interface FarEnd {
  /** Settings for `parley provider add`. */
  readonly settings: readonly string[]
  /** The friend comes online. The gateway is enabled by then. */
  enter(): Promise<Friend>
  close(): Promise<void>
}

export interface Scene {
  /** The first label of the gateway's address, and the name of the picture. */
  readonly id: string
  readonly title: string
  /** Absent: no gateway, but a partner domain of XMPP. */
  readonly adapter?: Adapter
  /** More that is said with `parley provider add`. */
  readonly about?: readonly string[]
  readonly programs: readonly ProgramName[]
  /** Romeo's answers, by field, when the gateway asks for his login; what is left out need not be there. */
  readonly login?: Readonly<Record<string, string>>
  /** The address that is typed into Pidgin, and the name beside it. */
  readonly contact: string
  readonly name: string
  /** When the network tells whether somebody is there. */
  readonly tells: 'at once' | 'when they talk' | 'never'
  /** What is said, in turns; who begins. */
  readonly begins: 'friend' | 'romeo'
  readonly lines: readonly string[]
  open(verona: Verona): Promise<FarEnd>
}
