import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect } from '@jest/globals'
import type { Frame } from './mouth.ts'
import { type Seat, until } from './seat.ts'

/** Who says nothing for so long waits for something (ms). */
const QUIET = 150
/** The same where nothing is wrong: whatever else the machine does, this has to come about. */
const LONG = 8000
/** Rounds at a time: most of a round is waiting. */
const LANES = 8

/** Numbers that look random and are the same in each run. */
export function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0 || 1
  return sides => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % sides
  }
}

export type Recording = readonly Frame[]

/** Frames with something wrong: bytes changed, cut off, put in, frames lost, doubled or in another order. */
function mutated(recording: Recording, roll: (sides: number) => number): Frame[] {
  const out = [...recording]
  for (let changes = 1 + roll(4); changes > 0; changes--) {
    const at = roll(out.length)
    const { turn, bytes } = out[at] as Frame
    const place = roll(Math.max(1, bytes.length))
    const put = (...pieces: Buffer[]) => out.splice(at, 1, { turn, bytes: Buffer.concat(pieces) })
    const [before, after] = [bytes.subarray(0, place), bytes.subarray(place + 1)]
    switch (roll(7)) {
      case 0:
        put(before, Buffer.from([roll(256)]), after)
        break
      case 1:
        put(before, Buffer.from([(bytes[place] ?? 0) ^ (1 << roll(8))]), after)
        break
      case 2:
        put(before)
        break
      case 3:
        put(before, noise(roll, 1 + roll(40)), after)
        break
      case 4:
        if (out.length > 1) out.splice(at, 1)
        break
      case 5: {
        const there = roll(out.length)
        out.splice(there, 0, { turn: (out[there] as Frame).turn, bytes })
        break
      }
      default:
        out.splice(at, 0, { turn, bytes: noise(roll, roll(200)) })
    }
  }
  return out
}

function noise(roll: (sides: number) => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => roll(256)))
}

/** Says what was recorded, as the client says things itself. */
class Parrot {
  readonly socket: Socket
  readonly #frames: Frame[]
  #turn = 0
  /** When the client last said something (ms). */
  heard = Date.now()

  constructor(socket: Socket, frames: Frame[]) {
    this.socket = socket
    this.#frames = frames
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      this.heard = Date.now()
      this.#turn += chunk.length
      this.#say(this.#turn)
    })
    this.#say(0)
  }

  /** All that is left. */
  finish(): void {
    this.#say(Number.POSITIVE_INFINITY)
    this.socket.end()
  }

  #say(turn: number): void {
    while (this.#frames.length > 0 && (this.#frames[0] as Frame).turn <= turn) {
      const { bytes } = this.#frames.shift() as Frame
      if (this.socket.writable && bytes.length > 0) this.socket.write(bytes)
    }
  }
}

/**
 * Sessions with a server that says what was recorded, with something wrong in it: each ends as it should, or goes on.
 * @param recordings what servers have said, for each connection of a session in turn
 */
export async function survives(
  recordings: (port: number) => readonly Recording[],
  enters: (port: number) => Seat,
  rounds: number,
): Promise<{ readonly logins: number }> {
  let logins = 0
  const play = async (round: number) => {
    const roll = dice(round * 7919 + 1)
    const parrots: Parrot[] = []
    const server = createServer(socket => {
      const turn = parrots.length
      const recording = all[Math.min(turn, all.length - 1)] as Recording
      parrots.push(new Parrot(socket, round > 0 && turn === spoilt ? mutated(recording, roll) : [...recording]))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const all = recordings(port)
    const spoilt = roll(all.length)
    const seat = enters(port)
    const heard = () => Math.max(0, ...parrots.map(parrot => parrot.heard))
    const failure = await settles(seat, heard, round === 0 ? LONG : QUIET)
    // What was recorded is right.
    if (round === 0) expect(failure).toBeUndefined()
    if (!failure) logins++
    for (const parrot of parrots) parrot.finish()
    await until('the connections are closed', () => parrots.every(({ socket }) => socket.destroyed))
    const ended = seat.events.flatMap(event => (event.type === 'ended' ? [event.error] : []))
    for (const error of [failure, ...ended])
      if (error && (error as Error).name !== 'AdapterError') throw Object.assign(error, { round })
    expect(ended.length).toBe(failure ? 0 : 1)
    await seat.session.stop()
    expect(seat.clock.running).toBe(0)
    server.close()
  }
  await play(0)
  let next = 1
  const lane = async () => {
    while (next <= rounds) await play(next++)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return { logins }
}

/** What the login came to: an error, or nothing. Where a word is missing that it waits for, its time runs out. */
async function settles(seat: Seat, heard: () => number, quiet: number): Promise<unknown> {
  const begun = Date.now()
  let over = false
  let failure: unknown
  const done = seat.session
    .start()
    .catch(error => {
      failure = error
    })
    .finally(() => {
      over = true
    })
  while (!over && Date.now() < Math.max(begun, heard()) + quiet) await new Promise(resolve => setTimeout(resolve, 2))
  while (!over) {
    seat.clock.pass(60_000)
    await new Promise(resolve => setImmediate(resolve))
  }
  await done
  return failure
}
