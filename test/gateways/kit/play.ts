import { test } from '@jest/globals'
import { can, type Feature } from '@parley/adapter'
import type { Ability, Conformance, Login, Peer, Person } from './peer.ts'
import { Rig } from './rig.ts'

/** What a play needs of the network, and of the peer. */
export interface Needs {
  /** `typing out`: what the adapter says it can. Without it there is nothing to show. */
  readonly can?: readonly `${Feature} ${'in' | 'out'}`[]
  /** What the peer can show. Without it the play is listed as not shown. */
  readonly has?: readonly Ability[]
}

/** Who is on the stage: a peer of its own for each play. */
export interface Stage {
  readonly peer: Peer
  /** The user's account; not logged in. */
  readonly romeo: Login
  /** Logs the user in. */
  online(login?: Login, kept?: Map<string, string>): Promise<Rig>
  /** A session that has not begun. */
  session(login?: Login, settings?: Peer['settings']): Rig
  /** The user and somebody else, who see each other. */
  couple(): Promise<{ readonly rig: Rig; readonly juliet: Person }>
}

export type Play = (stage: Stage) => Promise<void>

/** Registers plays of one adapter as tests. */
export function plays({ adapter, has, makePeer, together }: Conformance) {
  const begin = together ? test.concurrent : test
  return (title: string, needs: Needs, play: Play): void => {
    const missing = (needs.can ?? []).filter(need => {
      const [feature, way] = need.split(' ') as [Feature, 'in' | 'out']
      return !can(adapter.capabilities, feature, way)
    })
    // What the network does not have need not be shown.
    if (missing.length > 0) return
    const unable = (needs.has ?? []).filter(ability => !has.includes(ability))
    if (unable.length > 0) {
      test.todo(`${title} (not shown: the peer has no ${unable.join(', ')})`)
      return
    }
    begin(title, async () => {
      const peer = await makePeer()
      const rigs: Rig[] = []
      try {
        const romeo = await peer.account('romeo')
        const session = (login = romeo, settings = peer.settings, kept?: Map<string, string>) => {
          const rig = new Rig(adapter, peer, login, kept, settings)
          rigs.push(rig)
          return rig
        }
        const online = async (login = romeo, kept?: Map<string, string>) => {
          const rig = session(login, peer.settings, kept)
          await rig.start()
          return rig
        }
        const couple = async () => {
          const juliet = await peer.person('juliet')
          if (has.includes('contacts')) await peer.contacts!(romeo, [juliet.id])
          return { rig: await online(), juliet }
        }
        await play({ peer, romeo, online, session, couple })
        for (const rig of rigs) watch(rig)
      } finally {
        for (const rig of rigs) await rig.stop()
        await peer.stop()
      }
    })
  }
}

/** What must hold in every play: ids are canonical, and no secret has come out. */
function watch({ adapter, events, lines, login }: Rig): void {
  for (const event of events) {
    const ids = [
      ...('peer' in event && event.peer !== undefined ? [event.peer] : []),
      ...(event.type === 'presence' || event.type === 'request' || event.type === 'self' ? [event.id] : []),
      ...(event.type === 'roster' ? event.contacts.map(({ id }) => id) : []),
    ]
    for (const id of ids)
      if (adapter.canonical(id) !== id) throw new Error(`${event.type} says ${id}, which is not canonical`)
  }
  const said = `${lines.join('\n')}\n${JSON.stringify(events)}`
  for (const secret of Object.values(login.secrets))
    if (secret !== '' && said.includes(secret)) throw new Error('A secret has come out')
}
