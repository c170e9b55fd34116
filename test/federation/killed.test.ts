import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../interop/eventually.ts'
import { withProgram } from '../interop/programs.ts'
import { Reader, Writer, whileWriting } from './letters.ts'
import { factsOf } from './modes.ts'
import { peers } from './peers/index.ts'
import type { Server } from './peers/peer.ts'
import { World } from './world.ts'

/** How many people write, each to somebody else. */
const WRITERS = 4
/** Letters of each that go by before the next thing happens. */
const SOME = 30
const LONG = 120_000
/** A server that cannot be reached is tried again after 5 s, and after 10 more. */
const WITHIN = 45_000

let world: World

beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world?.close(), LONG)

describe('a server is killed while people write', () => {
  withProgram(['prosody'], 'as installed', () => {
    test.each([
      ['acknowledges', true],
      ['is asked by pings', false],
    ])(
      'to it, which %s: each letter is delivered, once and in order, or comes back',
      async (_, acknowledged) => {
        const { ours, theirs, writers } = await begin(`${acknowledged}`, acknowledged)
        const atHome = await readers(theirs, writers)
        const [killed, restarted] = await whileWriting(writers, async () => {
          await eventually('letters that arrive', () => atHome.every(({ heard }) => heard > SOME))
          await theirs.kill()
          const first = written(writers)
          await someMore(writers)
          const last = written(writers)
          await theirs.restart()
          await someMore(writers)
          return [first, last]
        })
        expect(factsOf(ours, theirs).has('sm')).toBe(acknowledged)
        for (const [n, reader] of (await readers(theirs, writers)).entries()) {
          const { writer, archived } = reader
          await untilKnown(reader, () => new Set([...archived, ...writer.returned]).size === writer.written)
          expect(archived).toEqual(inOrder(archived))
          expect(writer.returned).toEqual(inOrder(writer.returned))
          // What was written while nobody was there has waited.
          const waited = archived.filter(letter => letter > killed![n]! && letter <= restarted![n]!)
          expect(waited.length).toBeGreaterThan(SOME / 2)
        }
      },
      LONG,
    )

    test(
      'from it: what was answered for is delivered, in order',
      async () => {
        const { ours, theirs, writers } = await begin('ours', true)
        const all = await readers(theirs, writers)
        await whileWriting(writers, async () => {
          await eventually('letters that are answered for', () =>
            writers.every(({ person }) => person.acknowledged > SOME),
          )
          await ours.kill()
        })
        await ours.restart()
        for (const reader of all) {
          const { writer, archived } = reader
          const answeredFor = Array.from({ length: writer.person.acknowledged }, (_, index) => index + 1)
          await untilKnown(reader, () => answeredFor.every(letter => archived.includes(letter)))
          // Whether the last ones were delivered nobody can ask any more: those may come again, behind the others.
          expect([...new Set(archived)]).toEqual(inOrder(archived))
        }
      },
      LONG,
    )
  })
})

/** A server of ours and one of theirs, and people who write from here to there. */
async function begin(role: string, acknowledged: boolean) {
  const options = { acknowledged, patience: '2m' }
  const [ours, theirs] = await Promise.all([
    peers.parley.start(world, `verona-${role}.test`, options),
    peers.prosody.start(world, `mantua-${role}.test`, options),
  ])
  const writers: Writer[] = []
  for (let n = 1; n <= WRITERS; n++) writers.push(await Writer.join(ours, `romeo-${n}`, `juliet-${n}@${theirs.domain}`))
  return { ours, theirs, writers }
}

function readers(there: Server, writers: readonly Writer[]): Promise<Reader[]> {
  return Promise.all(writers.map(writer => Reader.join(there, writer)))
}

function written(writers: readonly Writer[]): number[] {
  return writers.map(writer => writer.written)
}

async function someMore(writers: readonly Writer[]): Promise<void> {
  const before = written(writers)
  await eventually('more letters', () => writers.every((writer, n) => writer.written > before[n]! + SOME))
}

/** Reads until it can be seen what became of everything. */
async function untilKnown(reader: Reader, isKnown: () => boolean): Promise<void> {
  await eventually(
    `what became of the letters of ${reader.writer.person}`,
    async () => {
      await reader.reads()
      return isKnown()
    },
    { within: WITHIN, seen: () => reader },
  )
}

function inOrder(letters: readonly number[]): number[] {
  return [...new Set(letters)].sort((a, b) => a - b)
}
