import { createHash } from 'node:crypto'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._'

function y64(bytes: Uint8Array): string {
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  let text = ''
  for (let at = 0; at < bits.length; at += 6) text += LETTERS[Number.parseInt(bits.slice(at, at + 6).padEnd(6, '0'), 2)]
  return text.padEnd(Math.ceil(bytes.length / 3) * 4, '-')
}

const md5 = (text: string) => createHash('md5').update(text).digest()

/** `openssl passwd -1 -salt _2S43d5f` of the passwords that are used here: not every machine has OpenSSL's program. */
const CRYPTED: Readonly<Record<string, string>> = {
  'wherefore art thou?': '$1$_2S43d5f$ETl0gychsivm4M39jtCG6.',
  'wherefore-art-thou': '$1$_2S43d5f$dUGDN2D8907HdFp3jNI4r/',
}

/** What a program that knows the password must say. */
export function expected(user: string, password: string, seed: string): [string, string] {
  const crypt = CRYPTED[password]
  if (crypt === undefined) throw new Error(`What OpenSSL makes of ${password} is not written down`)
  const one = (h: string) => {
    const letter = (at: number) => seed[seed.charCodeAt(at) % 16]
    switch (seed.charCodeAt(15) % 8) {
      case 1:
      case 6:
        return y64(md5(`${letter(9)}${user}${seed}${h}`))
      case 2:
      case 7:
        return y64(md5(`${letter(15)}${seed}${h}${user}`))
      case 3:
        return y64(md5(`${letter(1)}${user}${h}${seed}`))
      case 4:
        return y64(md5(`${letter(3)}${h}${seed}${user}`))
      default:
        return y64(md5(`${letter(7)}${h}${user}${seed}`))
    }
  }
  return [one(y64(md5(password))), one(y64(md5(crypt)))]
}
