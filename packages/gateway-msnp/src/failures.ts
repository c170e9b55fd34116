import { AdapterError } from '@parley/adapter'

/** What a number in place of an answer means. */
export function failureOf(code: string): AdapterError {
  switch (code) {
    case '201':
    case '205':
    case '208':
      return new AdapterError('not-found', 'Messenger knows nobody of that address')
    case '210':
      return new AdapterError('unsupported', 'The list at Messenger is full')
    case '216':
    case '224':
    case '225':
      return new AdapterError('not-found', 'That is not in the list at Messenger')
    case '217':
      return new AdapterError('not-found', 'They are not online, and Messenger keeps nothing for later')
    case '713':
    case '714':
    case '800':
      return new AdapterError('limited', 'That was too fast for Messenger', 30_000)
    case '911':
    case '928':
      return new AdapterError('credentials', 'The address or the password for Messenger is wrong')
    case '913':
      return new AdapterError('unsupported', 'Who is invisible cannot write to anybody at Messenger')
    case '923':
    case '924':
      return new AdapterError('denied', 'The account at Messenger needs its owner to do something there')
    default:
      return new AdapterError('transient', `Messenger has refused that (${code})`)
  }
}

/** Already so: no failure. */
export const ALREADY = '215'
