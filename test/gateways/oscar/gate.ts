import type { Socket } from 'node:net'
import { type Manner, Mouth } from '../public-im/mouth.ts'
import { proofs, type Speaker, type User } from './people.ts'
import { Frames, long, said, snac, text, tlv, tlvs, word } from './wire.ts'

interface Behind {
  readonly cookies: Map<string, User>
  readonly gates: Mouth[]
  readonly ports: { readonly service: number }
  find(userName: string): User | undefined
}

const KEY = '0123456789'

export function speaker(mouth: Mouth, frames: Frames, manner: Manner): Speaker {
  return {
    mouth,
    snac: (family, subtype, data, id = 0x80000000, flags = 0) => {
      if (manner !== 'plain') {
        // The odd one: signs of life, a family that nobody knows, and something unknown in front.
        mouth.say(frames.write(5, []))
        mouth.say(frames.write(2, snac(0x77, 0x99, 0x80000009, tlv(0x1234, text('what')))))
        mouth.say(frames.write(2, snac(family, subtype, id, data, flags | 0x8000)))
      } else mouth.say(frames.write(2, snac(family, subtype, id, data, flags)))
    },
    bye: reason => {
      mouth.say(
        frames.write(
          4,
          reason === undefined ? [] : [...tlv(9, word(reason)), ...tlv(0x0b, text('http://aim.example'))],
        ),
      )
      mouth.close()
    },
  }
}

/** The server that lets people in. */
export function gate(socket: Socket, manner: Manner, servers: Behind): void {
  const mouth = new Mouth(socket, manner)
  const frames = new Frames()
  const line = speaker(mouth, frames, manner)
  servers.gates.push(mouth)
  mouth.say(frames.write(1, long(1)))
  socket.on('data', (chunk: Buffer) => {
    for (const { channel, body } of frames.read(chunk)) {
      if (channel !== 2) continue
      const { subtype, id, data } = said(body)
      const parts = tlvs(data)
      const who = parts.get(1)?.toString() ?? ''
      const user = servers.find(who)
      const reply = (code: number) =>
        line.snac(0x17, 3, [...tlv(1, text(who)), ...tlv(8, word(code)), ...tlv(4, text('http://aim.example'))], id)
      if (subtype === 6) line.snac(0x17, 7, [...word(KEY.length), ...text(KEY)], id)
      else if (!user) reply(1)
      else {
        const right = proofs(KEY, user.password)[parts.has(0x4c) ? 'digested' : 'plain']
        if (parts.get(0x25)?.toString('hex') === right) {
          const cookie = `cookie ${servers.cookies.size} of ${who}`
          servers.cookies.set(cookie, user)
          const where = `127.0.0.1:${servers.ports.service}`
          line.snac(
            0x17,
            3,
            [...tlv(1, text(who)), ...tlv(5, text(where)), ...tlv(6, text(cookie)), ...tlv(0x11, text('a@b'))],
            id,
          )
          line.bye(undefined)
        } else reply(5)
      }
    }
  })
}
