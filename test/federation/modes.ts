import { p, Transcript } from '@parley/testkit'
import { eventually } from '../interop/eventually.ts'
import type { Fact, Options, Peer, Server } from './peers/peer.ts'
import { Person } from './person.ts'

/** A way in which two servers meet. */
export interface Mode {
  readonly title: string
  readonly options: Options
  /** What must be said of the stream, by the one side or by the other, and what must not. */
  readonly facts: readonly Fact[]
  readonly never: readonly Fact[]
  /** One stream for both directions: who is opened to opens none. */
  readonly single?: boolean
}

export const MODES: readonly Mode[] = [
  {
    title: 'STARTTLS, EXTERNAL',
    options: { tls: 'required', proof: 'external' },
    facts: ['tls', 'EXTERNAL'],
    never: ['direct', 'dialback', 'bidi'],
  },
  {
    title: 'STARTTLS, dialback',
    options: { tls: 'required', proof: 'dialback' },
    facts: ['tls', 'dialback'],
    never: ['direct', 'EXTERNAL'],
  },
  {
    title: 'direct TLS, EXTERNAL',
    options: { directTls: true, proof: 'external' },
    facts: ['direct', 'tls', 'EXTERNAL'],
    never: ['dialback'],
  },
  {
    title: 'no TLS, dialback',
    options: { tls: 'off', proof: 'dialback' },
    facts: ['dialback'],
    never: ['tls', 'direct', 'EXTERNAL'],
  },
  {
    title: 'bidirectional, EXTERNAL',
    options: { bidi: true, proof: 'external' },
    facts: ['tls', 'EXTERNAL', 'bidi'],
    never: ['dialback'],
    single: true,
  },
  {
    title: 'STARTTLS, EXTERNAL, by TLSA records',
    options: { dane: true, proof: 'external' },
    facts: ['tls', 'EXTERNAL'],
    never: ['dialback'],
  },
  {
    title: 'acknowledged, EXTERNAL',
    options: { acknowledged: true, proof: 'external' },
    facts: ['tls', 'EXTERNAL', 'sm'],
    never: ['dialback'],
  },
]

/** Why two peers cannot meet so; undefined where they can. */
export function obstacle({ options }: Mode, ...peers: readonly Peer[]): string | undefined {
  for (const peer of peers) {
    const reason = peer.cannot(options)
    if (reason !== undefined) return `${peer.name}: ${reason}`
  }
  return undefined
}

let meetings = 0

/** Romeo here speaks to Juliet there, who answers; then the servers say how the stream that opened from here came to be. */
export async function meet({ facts, never, single }: Mode, here: Server, there: Server): Promise<void> {
  const transcript = new Transcript()
  const turn = ++meetings
  const romeo = await Person.join(here, `romeo-${turn}`, transcript)
  const juliet = await Person.join(there, `juliet-${turn}`, transcript)
  try {
    romeo.sends`<message to="${juliet}" type="chat"><body>Shall I hear more?</body></message>`
    await juliet.hears`<message from="${romeo}"><body>Shall I hear more?</body></message>`
    juliet.sends`<message to="${romeo}" type="chat"><body>Good night!</body></message>`
    await romeo.hears`<message from="${juliet}"><body>Good night!</body></message>`
  } finally {
    romeo.leave()
    juliet.leave()
  }
  const said = () => factsOf(here, there)
  await eventually(
    `${facts.join(', ')} of ${here.domain} → ${there.domain}`,
    () => facts.every(fact => said().has(fact)),
    {
      within: 5000,
      seen: () => [...said()].join(', '),
    },
  )
  const wrong = never.filter(fact => said().has(fact))
  if (wrong.length > 0) throw new Error(`${here.domain} → ${there.domain}: ${wrong.join(', ')}`)
  const back = there.links().some(link => link.direction === 'out' && link.there === here.domain)
  if (single && back) throw new Error(`${there.domain} has opened a stream of its own to ${here.domain}`)
}

/** Who speaks to a server that has died is told so; when it is there again, the next word arrives. */
export async function dieAndReturn(here: Server, mortal: Server): Promise<void> {
  const transcript = new Transcript()
  const romeo = await Person.join(here, `romeo-${++meetings}`, transcript)
  const before = await Person.join(mortal, 'juliet', transcript)
  romeo.sends`<message to="${before}" type="chat"><body>O, speak again!</body></message>`
  await before.hears`<message from="${romeo}"><body>O, speak again!</body></message>`
  before.leave()
  await mortal.kill()
  romeo.sends`<message to="${before.bare}" type="chat" id="unheard"><body>Juliet!</body></message>`
  await romeo.hears`<message type="error" id="unheard" from="${before.bare}"/>`
  await mortal.restart()
  const after = await Person.join(mortal, 'juliet', transcript)
  await eventually('a word to who is back', async () => {
    romeo.sends`<message to="${after}" type="chat" id="again"><body>Ah, dear Juliet</body></message>`
    const came = await Person.first(
      [after, p`<message from="${romeo}"><body>Ah, dear Juliet</body></message>`],
      [romeo, p`<message type="error" id="again"/>`],
    )
    return came === 0
  })
  romeo.leave()
  after.leave()
}

/** What both sides say of the stream that was opened from here, between these domains. */
export function factsOf(here: Server, there: Server, from = here.domain, to = there.domain): ReadonlySet<Fact> {
  const ours = here.links().filter(link => link.direction === 'out' && link.here === from && link.there === to)
  const theirs = there.links().filter(link => link.direction === 'in' && link.here === to && link.there === from)
  return new Set([...ours, ...theirs].map(({ fact }) => fact))
}
