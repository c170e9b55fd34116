import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ProgramName, withProgram } from '../interop/programs.ts'
import { expected, KINDS, outcome, PROFILES, type Profile, STRANGERS } from './certificates.ts'
import { Matrix } from './matrix.ts'
import { dieAndReturn, MODES, meet, obstacle } from './modes.ts'
import { peers } from './peers/index.ts'
import type { PeerName } from './peers/peer.ts'
import { absence, perform, plays } from './plays.ts'
import { Pool } from './pool.ts'
import { World } from './world.ts'

/** Who meets whom; each pair in both directions. */
const PAIRS: readonly (readonly [PeerName, PeerName])[] = [
  ['parley', 'parley'],
  ['parley', 'prosody'],
  ['parley', 'ejabberd'],
  ['parley', 'jabberd2'],
  ['prosody', 'ejabberd'],
  ['prosody', 'prosody'],
  ['prosody', 'jabberd2'],
  ['ejabberd', 'jabberd2'],
]
/** Who looks at whose certificates. */
const JUDGES: readonly (readonly [judge: PeerName, stranger: PeerName])[] = [
  ['parley', 'prosody'],
  ['prosody', 'prosody'],
  ['ejabberd', 'prosody'],
  ['prosody', 'ejabberd'],
]
const NEEDED: Readonly<Record<PeerName, readonly ProgramName[]>> = {
  prosody: ['prosody'],
  ejabberd: ['ejabberdctl'],
  jabberd2: ['jabberd2-s2s'],
  parley: [],
}
const START = 120_000

const table = {
  modes: new Matrix('how two servers meet'),
  plays: new Matrix('what two servers do together'),
}
const matrices = Object.values(table)
let world: World
let pool: Pool

beforeAll(async () => {
  world = await World.open()
  pool = new Pool(world)
})

afterAll(async () => {
  process.stdout.write(matrices.join(''))
  await world?.close()
}, START)

/** Both directions; two servers of the same kind have one only. */
function directions([a, b]: readonly [PeerName, PeerName]): [PeerName, PeerName][] {
  return a === b
    ? [[a, b]]
    : [
        [a, b],
        [b, a],
      ]
}

/** Runs `act` and notes how it ended. */
async function noted(matrix: Matrix, row: string, column: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
    matrix.good(row, column)
  } catch (error) {
    matrix.bad(row, column)
    throw error
  }
}

describe.each(PAIRS)('%s and %s', (...pair) => {
  withProgram([...new Set(pair.flatMap(name => NEEDED[name]))], 'as installed', () => {
    const both = pair.map(name => peers[name])
    const usual = MODES.find(mode => obstacle(mode, ...both) === undefined)!

    describe.each(directions(pair))('%s → %s', (here, there) => {
      const column = `${here} → ${there}`
      for (const mode of MODES) {
        const reason = obstacle(mode, ...both)
        if (reason !== undefined) table.modes.none(mode.title, column, reason)
        else {
          test(
            `meet: ${mode.title}`,
            async () => {
              // A stream for both directions is another one when the other side opens it.
              const role = mode.single ? column : ''
              await noted(table.modes, mode.title, column, async () => {
                const opens = await pool.server(here, mode.options, here === there ? `${role}opens` : role)
                await meet(mode, opens, await pool.server(there, mode.options, role))
              })
            },
            START,
          )
        }
      }

      if (there === 'prosody') {
        test(
          'a server that dies, and returns',
          () =>
            noted(table.plays, 'a server that is killed, and returns', column, async () => {
              const opens = await pool.server(here, usual.options, here === there ? 'opens' : '')
              await dieAndReturn(opens, await pool.server(there, usual.options, `mortal for ${here}`))
            }),
          START,
        )
      }

      for (const play of plays) {
        const reason = absence(play, peers[here], peers[there])
        if (reason !== undefined) table.plays.none(play.title, column, reason)
        else {
          test(
            play.title,
            () =>
              noted(table.plays, play.title, column, async () => {
                const opens = await pool.server(here, usual.options, here === there ? 'opens' : '')
                await perform(play, opens, await pool.server(there, usual.options, ''))
              }),
            START,
          )
        }
      }
    })
  })
})

describe.each(JUDGES)('%s looks at certificates of %s', (judge, stranger) => {
  const matrix = new Matrix(`what ${judge} thinks of certificates that ${stranger} shows`)
  matrices.push(matrix)
  withProgram([...new Set([...NEEDED[judge], ...NEEDED[stranger]])], 'as installed', () => {
    describe.each(Object.keys(PROFILES) as Profile[])('%s', profile => {
      test.each(['in', 'out'] as const)(
        '%s',
        async way => {
          const servers = {
            judge: await pool.server(judge, PROFILES[profile], ''),
            stranger: await pool.server(stranger, STRANGERS, ''),
            way,
          }
          const column = `${profile}, ${way === 'in' ? 'the stranger opens' : `${judge} opens`}`
          const shown = KINDS.filter(kind => !peers[stranger].hides.includes(kind))
          for (const kind of peers[stranger].hides) {
            matrix.none(kind, column, `${stranger}: cannot be told to show it`)
          }
          const seen = await Promise.all(shown.map(async kind => [kind, await outcome(kind, servers)] as const))
          const wanted = shown.map(kind => [kind, expected(peers[judge], profile, way, kind)] as const)
          for (const [index, [kind, found]] of seen.entries()) {
            if (found === wanted[index]![1]) matrix.good(kind, column, found)
            else matrix.bad(kind, column, found)
          }
          expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(wanted))
        },
        START,
      )
    })
  })
})
