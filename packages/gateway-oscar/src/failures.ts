import { AdapterError } from '@parley/adapter'
import { Reader, type Tlvs, word } from './bytes.ts'

export function replaced(): AdapterError {
  return new AdapterError('replaced', 'The account at AIM or ICQ is in use with another program')
}

/** Why nobody is let in: TLV 8. */
export function refusal(tlvs: Tlvs): AdapterError {
  switch (word(tlvs, 8)) {
    case 0x01:
    case 0x04:
    case 0x05:
    case 0x07:
    case 0x08:
      return new AdapterError('credentials', 'The name or the password for AIM or ICQ is wrong')
    case 0x09:
    case 0x11:
    case 0x22:
      return new AdapterError('denied', 'The account at AIM or ICQ is suspended')
    case 0x16:
    case 0x17:
    case 0x18:
    case 0x1d:
      return new AdapterError('limited', 'AIM or ICQ wants us to wait before the next login', 10 * 60_000)
    case 0x1b:
    case 0x1c:
      return new AdapterError('denied', 'AIM or ICQ does not let this version in')
    default:
      return new AdapterError('transient', `AIM or ICQ lets nobody in just now (${word(tlvs, 8) ?? 0})`)
  }
}

/** An error about something that was asked for: the first word says what. */
export function failureOf(data: Buffer): AdapterError {
  const reader = new Reader(data)
  const code = reader.left >= 2 ? reader.word() : 0
  switch (code) {
    case 0x02:
    case 0x03:
    case 0x0a:
      return new AdapterError('limited', 'That was too fast for AIM or ICQ', 10_000)
    case 0x04:
      return new AdapterError('not-found', 'They are not online at AIM or ICQ')
    case 0x09:
    case 0x0b:
      return new AdapterError('unsupported', 'Their program cannot take that')
    case 0x10:
    case 0x11:
      return new AdapterError('blocked', 'AIM or ICQ does not let that through to them')
    default:
      return new AdapterError('transient', `AIM or ICQ has refused that (${code})`)
  }
}

/** What was not changed in the list, by the code of SNAC(13,0E). */
export function editFailure(code: number): AdapterError {
  switch (code) {
    case 0x02:
      return new AdapterError('not-found', 'That is not in the list at AIM or ICQ')
    case 0x0c:
      return new AdapterError('unsupported', 'The list at AIM or ICQ is full')
    case 0x0d:
      return new AdapterError('unsupported', 'AIM does not take numbers of ICQ into its lists')
    default:
      return new AdapterError('unsupported', `AIM or ICQ has refused the change (${code})`)
  }
}
