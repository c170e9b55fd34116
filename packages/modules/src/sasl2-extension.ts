import type { FastRequest, Success } from '@parley/sasl'
import type { Element } from '@parley/xml'
import type { Awaitable, ClientStream, Session } from '@xmpp/server-core'

export const SASL2 = 'urn:xmpp:sasl:2'

/** One `<authenticate/>` (XEP-0388 §2.3), from its arrival to `<success/>`. */
export interface Login {
  readonly stream: ClientStream
  readonly request: Element
  readonly mechanism: string
  /** `id` of `<user-agent/>`: the same for every login of one installed client. Nobody else may see it. */
  readonly agent: string | undefined
  /** Set by the extension that redeems tokens. */
  fast: FastRequest | undefined
  /** Who proved to be whom; known to `tasks` and `finish`. */
  success: Success | undefined
  /** What was bound or resumed. */
  session: Session | undefined
  /** A session that was there before goes on: no stream features follow (XEP-0198 §9.2). */
  resumed: boolean
  /** Runs behind `<success/>`, for what must not overtake it. */
  readonly behind: (() => void)[]
}

/** A step between the proof and the success (XEP-0388 §2.6.3). */
export interface Task {
  readonly name: string
  /** Answers `<next/>` with the content of `<task-data/>`. @throws SaslError */
  begin(next: Element): Awaitable<Element>
  /** Takes the client's `<task-data/>`; gives the content of another, or undefined when done. @throws SaslError */
  take(data: Element): Awaitable<Element | undefined>
}

/** What another module adds to SASL2. */
export interface Extension {
  /** XEP-0386 §3.2: resumption is tried before binding. */
  readonly order: 'resume' | 'bind' | 'last'
  /** A child of `<inline/>`. */
  inline?(stream: ClientStream): Element | undefined
  /** Children of `<authentication/>` itself. */
  advertise?(stream: ClientStream): readonly Element[]
  /** Mechanisms that are offered within the extension only. */
  mechanisms?(stream: ClientStream): readonly string[]
  /** Looks at the request before the exchange. @throws SaslError */
  begin?(login: Login): void
  tasks?(login: Login): Awaitable<readonly Task[]>
  /** The stream is authenticated: does what was asked for; gives children of `<success/>`. */
  finish?(login: Login): Awaitable<readonly Element[]>
}

const ORDER = ['resume', 'bind', 'last'] as const

/** The extensions of one host, in the order in which they act. */
export class Extensions {
  #all: Extension[] = []

  add(extension: Extension): void {
    this.#all = [...this.#all, extension].sort((a, b) => ORDER.indexOf(a.order) - ORDER.indexOf(b.order))
  }

  inline(stream: ClientStream): Element[] {
    return this.#all.flatMap(({ inline }) => inline?.(stream) ?? [])
  }

  advertise(stream: ClientStream): Element[] {
    return this.#all.flatMap(({ advertise }) => [...(advertise?.(stream) ?? [])])
  }

  mechanisms(stream: ClientStream): string[] {
    return this.#all.flatMap(({ mechanisms }) => [...(mechanisms?.(stream) ?? [])])
  }

  begin(login: Login): void {
    for (const extension of this.#all) extension.begin?.(login)
  }

  async tasks(login: Login): Promise<Task[]> {
    const tasks: Task[] = []
    for (const extension of this.#all) tasks.push(...((await extension.tasks?.(login)) ?? []))
    return tasks
  }

  async finish(login: Login): Promise<Element[]> {
    const answers: Element[] = []
    for (const extension of this.#all) answers.push(...((await extension.finish?.(login)) ?? []))
    return answers
  }
}
