import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Presence, type Stanza } from '@parley/stanza'
import type { RosterItem } from '@parley/store'
import { type Actor, type Stage, type StagedServer, scenario } from '@parley/testkit'

/** RFC 6121 § A.1; the order is that of its tables. */
const STATES = ['none', 'none+out', 'none+in', 'none+out+in', 'to', 'to+in', 'from', 'from+out', 'both'] as const
type State = (typeof STATES)[number]
/** Whether the stanza goes on, and the state after it; no second column: the same as before. */
type Table = { readonly [S in State]: readonly [goesOn: boolean, becomes?: State] }

const OUTBOUND: { readonly [type: string]: Table } = {
  // § A.2.1
  subscribe: {
    none: [true, 'none+out'],
    'none+out': [true],
    'none+in': [true, 'none+out+in'],
    'none+out+in': [true],
    to: [true],
    'to+in': [true],
    from: [true, 'from+out'],
    'from+out': [true],
    both: [true],
  },
  // § A.2.2
  unsubscribe: {
    none: [true],
    'none+out': [true, 'none'],
    'none+in': [true],
    'none+out+in': [true, 'none+in'],
    to: [true, 'none'],
    'to+in': [true, 'none+in'],
    from: [true],
    'from+out': [true, 'from'],
    both: [true, 'from'],
  },
  // § A.2.3
  subscribed: {
    none: [false],
    'none+out': [false],
    'none+in': [true, 'from'],
    'none+out+in': [true, 'from+out'],
    to: [false],
    'to+in': [true, 'both'],
    from: [false],
    'from+out': [false],
    both: [false],
  },
  // § A.2.4
  unsubscribed: {
    none: [false],
    'none+out': [false],
    'none+in': [true, 'none'],
    'none+out+in': [true, 'none+out'],
    to: [false],
    'to+in': [true, 'to'],
    from: [true, 'none'],
    'from+out': [true, 'none+out'],
    both: [true, 'to'],
  },
}

const INBOUND: { readonly [type: string]: Table } = {
  // § A.3.1
  subscribe: {
    none: [true, 'none+in'],
    'none+out': [true, 'none+out+in'],
    'none+in': [false],
    'none+out+in': [false],
    to: [true, 'to+in'],
    'to+in': [false],
    from: [false],
    'from+out': [false],
    both: [false],
  },
  // § A.3.2
  unsubscribe: {
    none: [false],
    'none+out': [false],
    'none+in': [true, 'none'],
    'none+out+in': [true, 'none+out'],
    to: [false],
    'to+in': [true, 'to'],
    from: [true, 'none'],
    'from+out': [true, 'none+out'],
    both: [true, 'to'],
  },
  // § A.3.3
  subscribed: {
    none: [false],
    'none+out': [true, 'to'],
    'none+in': [false],
    'none+out+in': [true, 'to+in'],
    to: [false],
    'to+in': [false],
    from: [false],
    'from+out': [true, 'both'],
    both: [false],
  },
  // § A.3.4
  unsubscribed: {
    none: [false],
    'none+out': [true, 'none'],
    'none+in': [false],
    'none+out+in': [true, 'none+in'],
    to: [true, 'none'],
    'to+in': [true, 'none+in'],
    from: [false],
    'from+out': [true, 'from'],
    both: [true, 'from'],
  },
}

interface Case {
  readonly contact: Jid
  readonly type: string
  readonly state: State
  readonly expected: readonly (readonly [goesOn: boolean, becomes: State])[]
}

/** Each state of each table, the stanza twice: what comes again is handled as in the state that it made. */
function casesOf(tables: typeof OUTBOUND): Case[] {
  return Object.entries(tables).flatMap(([type, table]) =>
    STATES.map(state => {
      const [goesOn, becomes = state] = table[state]
      const [again, after = becomes] = table[becomes]
      const contact = Jid.of(`${type}-${state}`, 'else.test')
      return { contact, type, state, expected: [[goesOn, becomes] as const, [again, after] as const] }
    }),
  )
}

function rowOf(contact: Jid, state: State): RosterItem {
  const [subscription, ...pending] = state.split('+')
  return {
    contact: contact.text,
    listed: true,
    groups: [],
    subscription: subscription as RosterItem['subscription'],
    ask: pending.includes('out'),
    approved: false,
    ...(pending.includes('in') && { pendingIn: `<presence from="${contact}" type="subscribe"/>` }),
  }
}

function stateOf(item: RosterItem | undefined): string {
  const pending = [item?.ask && 'out', item?.pendingIn !== undefined && 'in'].filter(Boolean)
  return [item?.subscription ?? 'none', ...pending].join('+')
}

/** Romeo, whose contacts live elsewhere; what is routed to them is kept. */
async function setOut(cases: readonly Case[], open: Stage['server']): Promise<[StagedServer, Actor, Stanza[]]> {
  const server = await open('a.test')
  const owner = await server.account('romeo')
  for (const { contact, state } of cases) await server.store.rosters.put(owner.text, rowOf(contact, state))
  const sent: Stanza[] = []
  server.core.router.components.set('else.test', stanza => void sent.push(stanza))
  const [romeo] = await server.join('romeo/orchard')
  return [server, romeo, sent]
}

scenario('RFC 6121 § A.2: what a user sends in each state, once and again', async ({ server: open }) => {
  const cases = casesOf(OUTBOUND)
  const [server, romeo, sent] = await setOut(cases, open)

  const found: unknown[] = []
  for (const { contact, type, state } of cases) {
    const steps: unknown[] = []
    for (let i = 0; i < 2; i++) {
      sent.length = 0
      await romeo.sends`<presence type="${type}" to="${contact}"/>`
      await romeo.settles()
      const routed = sent.some(stanza => stanza.type === type && stanza.to!.equals(contact))
      steps.push([routed, stateOf(await server.store.rosters.get(romeo.bare.text, contact.text))])
    }
    found.push([type, state, steps])
  }
  expect(found).toEqual(cases.map(({ type, state, expected }) => [type, state, expected]))
})

scenario('RFC 6121 § A.3: what a contact sends in each state, once and again', async ({ server: open }) => {
  const cases = casesOf(INBOUND)
  const [server, romeo] = await setOut(cases, open)

  const found: unknown[] = []
  for (const { contact, type, state } of cases) {
    const steps: unknown[] = []
    for (let i = 0; i < 2; i++) {
      await romeo.settles()
      await server.core.router.route(new Presence({ type: type as 'subscribe', from: contact, to: romeo.bare }))
      await romeo.fence()
      const delivered = romeo.unexpected.some(({ name, attrs }) => name === 'presence' && attrs['type'] === type)
      steps.push([delivered, stateOf(await server.store.rosters.get(romeo.bare.text, contact.text))])
    }
    found.push([type, state, steps])
  }
  await romeo.settles()
  expect(found).toEqual(cases.map(({ type, state, expected }) => [type, state, expected]))
})
