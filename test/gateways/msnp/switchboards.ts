import type { Socket } from 'node:net'
import { type Manner, Mouth } from '../public-im/mouth.ts'
import { line, lines, lineWith } from './wire.ts'

interface Guest {
  readonly mouth: Mouth
  readonly address: string
}
interface Room {
  readonly id: string
  readonly guests: Guest[]
}

/** Switchboards: rooms that users get a key for. */
export class Switchboards {
  manner: Manner
  readonly #ring: (from: string, to: string, room: string, key: string) => boolean
  readonly #keys = new Map<string, { readonly address: string; readonly room: Room }>()
  readonly #guests = new Map<Mouth, string>()
  #last = 0
  /** Every line that was said, and by whom. */
  readonly heard: { readonly from: string; readonly words: readonly string[]; readonly body: string }[] = []
  readonly mouths: Mouth[] = []
  /** Whose messages do not arrive. */
  deaf = ''

  constructor(manner: Manner, ring: (from: string, to: string, room: string, key: string) => boolean) {
    this.manner = manner
    this.#ring = ring
  }

  /** Somebody closes all windows. */
  close(address: string): void {
    for (const [mouth, who] of this.#guests) if (who === address) mouth.cut()
  }

  key(address: string, room: Room = { id: String(++this.#last), guests: [] }): string {
    const key = `${++this.#last}.key`
    this.#keys.set(key, { address, room })
    return key
  }

  met(socket: Socket): void {
    const mouth = new Mouth(socket, this.manner)
    this.mouths.push(mouth)
    let guest: Guest | undefined
    let room: Room | undefined
    const state = { rest: Buffer.alloc(0) }
    const left = () => {
      const at = guest ? (room?.guests.indexOf(guest) ?? -1) : -1
      if (at < 0) return
      room?.guests.splice(at, 1)
      for (const other of room?.guests ?? []) other.mouth.say(line('BYE', guest?.address ?? ''))
    }
    const enter = (address: string | undefined, key: string | undefined) => {
      const ticket = this.#keys.get(key ?? '')
      if (!ticket || ticket.address !== address) throw new Error('A key that nobody has')
      this.#keys.delete(key ?? '')
      guest = { mouth, address }
      this.#guests.set(mouth, address)
      room = ticket.room
    }
    const odd = () => {
      if (this.manner !== 'plain') mouth.say(line('XYZ', 'what', '?'))
    }
    socket.on('data', (chunk: Buffer) => {
      for (const { words, body } of lines(state, chunk)) {
        const [name, id = '', a, b] = words
        this.heard.push({ from: guest?.address ?? '', words, body })
        odd()
        switch (name) {
          case 'USR':
            enter(a, b)
            room?.guests.push(guest as Guest)
            mouth.say(line('USR', id, 'OK', a ?? '', 'name'))
            break
          case 'ANS': {
            enter(a, b)
            const others = room?.guests ?? []
            for (const [n, other] of others.entries()) {
              mouth.say(line('IRO', id, n + 1, others.length, other.address, 'name', 0))
              other.mouth.say(line('JOI', a ?? '', 'name', 0))
            }
            room?.guests.push(guest as Guest)
            mouth.say(line('ANS', id, 'OK'))
            break
          }
          case 'CAL': {
            const rings = this.#ring(guest?.address ?? '', a ?? '', (room as Room).id, this.key(a ?? '', room))
            mouth.say(rings ? line('CAL', id, 'RINGING', (room as Room).id) : line(217, id))
            break
          }
          case 'MSG': {
            const deaf = room?.guests.some(other => other.address === this.deaf)
            for (const other of room?.guests ?? [])
              if (other !== guest && !deaf) other.mouth.say(lineWith(body, 'MSG', guest?.address ?? '', 'name'))
            if (a === 'A') mouth.say(line(deaf ? 'NAK' : 'ACK', id))
            break
          }
          case 'OUT':
            left()
            mouth.close()
            break
          default:
            throw new Error(`No command of a switchboard: ${words.join(' ')}`)
        }
      }
    })
    socket.on('error', () => undefined)
    socket.on('close', left)
  }
}
