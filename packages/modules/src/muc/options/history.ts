import { number } from './option.ts'

/**
 * Messages that somebody who enters is shown, unless the client asks for fewer (XEP-0045 §7.2.14), and members who come back
 * get what they have missed; 0: nobody is shown any.
 */
export const history = number('muc#maxhistoryfetch', 'Messages shown on entering', { fallback: 20, most: 100 })
