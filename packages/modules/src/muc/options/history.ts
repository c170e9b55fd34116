import { number } from './option.ts'

/** Messages that somebody who enters is shown, unless the client asks for fewer (XEP-0045 §7.2.13). */
export const history = number('muc#roomconfig_historylength', 'Messages shown on entering', { fallback: 20, most: 100 })
