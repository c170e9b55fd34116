import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect } from '@jest/globals'
import type { Seat } from './seat.ts'

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

/** Frames with something wrong: bytes changed, cut off, put in, frames lost, doubled or in another order. */
export function mutated(frames: readonly Buffer[], roll: (sides: number) => number): Buffer[] {
  const out: Buffer[] = frames.map(frame => Buffer.from(frame))
  for (let changes = 1 + roll(4); changes > 0; changes--) {
    const at = roll(out.length)
    const frame = out[at] as Buffer
    const place = roll(Math.max(1, frame.length))
    switch (roll(7)) {
      case 0:
        if (frame.length > 0) frame[place] = roll(256)
        break
      case 1:
        if (frame.length > 0) frame[place] = (frame[place] as number) ^ (1 << roll(8))
        break
      case 2:
        out[at] = frame.subarray(0, place)
        break
      case 3:
        out[at] = Buffer.concat([frame.subarray(0, place), noise(roll, 1 + roll(40)), frame.subarray(place)])
        break
      case 4:
        if (out.length > 1) out.splice(at, 1)
        break
      case 5:
        out.splice(roll(out.length), 0, Buffer.from(frame))
        break
      default:
        out.splice(at, 0, noise(roll, roll(200)))
    }
  }
  return out
}

function noise(roll: (sides: number) => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => roll(256)))
}

/**
 * Sessions with a server that says what was recorded, with something wrong in it: each ends as it should, or goes on.
 * @param recorded what a server has said, for each connection of a session in turn
 * @param pass by how much time passes before a session that waits is looked at (ms)
 */
export async function survives(
  recorded: readonly (readonly Buffer[])[],
  enters: (port: number) => Seat,
  rounds: number,
  pass: number,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const roll = dice(round * 7919)
    const spoilt = roll(recorded.length)
    const sockets: Socket[] = []
    const server = createServer(socket => {
      const turn = Math.min(sockets.push(socket) - 1, recorded.length - 1)
      const frames = recorded[turn] as readonly Buffer[]
      socket.on('error', () => undefined)
      socket.resume()
      socket.write(Buffer.concat(turn === spoilt ? mutated(frames, roll) : frames))
      // All of it is read before the end of it is.
      socket.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const seat = enters((server.address() as AddressInfo).port)
    const login = await settles(seat, pass)
    const failures = [login, ...seat.events.flatMap(event => (event.type === 'ended' ? [event.error] : []))]
    for (const failure of failures)
      if (failure && (failure as Error).name !== 'AdapterError') throw Object.assign(failure, { round })
    await seat.session.stop()
    expect(seat.clock.running).toBe(0)
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** What the login came to: an error, or nothing. */
async function settles(seat: Seat, pass: number): Promise<unknown> {
  let over = false
  let failure: unknown
  const done = seat.session.start().then(
    () => {
      over = true
    },
    error => {
      over = true
      failure = error
    },
  )
  for (let turns = 0; !over && turns < 200; turns++) await new Promise(resolve => setImmediate(resolve))
  if (!over) seat.clock.pass(pass)
  await done
  return failure
}
