import { test } from '@jest/globals'
import { can, type Feature } from '@parley/adapter'
import { meet } from './meeting.ts'
import type { Ability, Conformance, Login, Peer, Person } from './peer.ts'
import { Rig } from './rig.ts'
import { Running } from './running.ts'

/** What a play needs of the network, and of the peer. */
export interface Needs {
  /** `typing out`: what the adapter says it can. Without it there is nothing to show. */
  readonly can?: readonly `${Feature} ${'in' | 'out'}`[]
  /** What the peer can show. Without it the play is listed as not shown. */
  readonly has?: readonly Ability[]
  /** Users log in. Without that the play is listed as not shown. */
  readonly logins?: boolean
}

/** What only those can show who have users with passwords and other programs. */
const OF_LOGINS: readonly Ability[] = ['wrong', 'elsewhere', 'replace']

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
  /** The user, who is not there now, and these see each other from before. Gives what an adapter has kept of that. */
  acquaint(...people: readonly Person[]): Promise<Map<string, string> | undefined>
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
    const federal = adapter.mode === 'federation'
    if (federal && (needs.logins || needs.has?.some(ability => OF_LOGINS.includes(ability)))) {
      test.todo(`${title} (not shown: the network has no logins)`)
      return
    }
    const unable = (needs.has ?? []).filter(ability => !has.includes(ability))
    if (unable.length > 0) {
      test.todo(`${title} (not shown: the peer has no ${unable.join(', ')})`)
      return
    }
    begin(title, async () => {
      const peer = await makePeer()
      const rigs: Rig[] = []
      let running: Running | undefined
      const run = (login: Login, settings: Peer['settings'], kept?: Map<string, string>) => {
        // One session for all, as long as one of them is there.
        if (federal && running?.isUsed && settings === peer.settings) return running
        const next = new Running(adapter, settings, login, kept)
        if (settings === peer.settings) running = next
        return next
      }
      try {
        const romeo = await peer.account('romeo')
        const session = (login = romeo, settings = peer.settings, kept?: Map<string, string>) => {
          const rig = new Rig(run(login, settings, kept), login)
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
          const known = has.includes('contacts')
          if (known && !federal) await peer.contacts!(romeo, [juliet.id])
          const rig = await online()
          if (known && federal) await meet(rig, peer, juliet)
          return { rig, juliet }
        }
        const acquaint = async (...people: readonly Person[]) => {
          if (!federal) {
            await peer.contacts!(
              romeo,
              people.map(({ id }) => id),
            )
            return undefined
          }
          const rig = await online()
          for (const person of people) await meet(rig, peer, person)
          await rig.stop()
          return rig.kept
        }
        await play({ peer, romeo, online, session, couple, acquaint })
        const users = new Set(rigs.map(({ login }) => login.user))
        for (const rig of rigs) watch(rig, users)
      } finally {
        for (const rig of rigs) await rig.stop()
        await peer.stop()
      }
    })
  }
}

/** What must hold in every play: ids are canonical, events say for whom they are, and no secret has come out. */
function watch({ running }: Rig, users: ReadonlySet<string | undefined>): void {
  const { adapter, events, lines, secrets } = running
  for (const event of events) {
    const forAll = event.type === 'state' || event.type === 'ended'
    if (adapter.mode === 'federation' ? !(forAll && event.user === undefined) && !users.has(event.user) : event.user)
      throw new Error(`${event.type} is for ${event.user}`)
    const ids = [
      ...('peer' in event && event.peer !== undefined ? [event.peer] : []),
      ...(event.type === 'presence' || event.type === 'request' || event.type === 'self' ? [event.id] : []),
      ...(event.type === 'roster' ? event.contacts.map(({ id }) => id) : []),
    ]
    for (const id of ids)
      if (adapter.canonical(id) !== id) throw new Error(`${event.type} says ${id}, which is not canonical`)
  }
  const said = `${lines.join('\n')}\n${JSON.stringify(events)}`
  for (const secret of secrets) if (said.includes(secret)) throw new Error('A secret has come out')
}
