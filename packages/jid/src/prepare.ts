import { bidiAllows } from './context.ts'
import { JidError, type Part, requireBytes, requireLength } from './errors.ts'
import { requireClass, requireConformance, untilStable } from './precis.ts'

/** Code points U+FF01–U+FFEE decompose as `wide` or `narrow`: for them NFKC is the width mapping of RFC 8264 §5.2.1. */
const FULL_OR_HALF_WIDTH = /[\uff01-\uffee]/g
/** RFC 7622 §3.3.1. */
const NOT_IN_LOCAL = /["&'/:<>@]/
const PLAIN_LOCAL = /^[!#-%(-.0-9;=?[-~]{1,1023}$/
const PLAIN_TEXT = /^[ -~]{1,1023}$/
const SPACE = /\p{Zs}/gu
const VISIBLE = /[^ \u2800\p{M}]/u

/** RFC 7622 §3.3: UsernameCaseMapped (RFC 8265 §3.3) without the characters that separate parts. */
export function prepareLocal(local: string): string {
  if (PLAIN_LOCAL.test(local)) return local
  requireLength('local part', local)
  const narrow = local.replace(FULL_OR_HALF_WIDTH, char => char.normalize('NFKC'))
  requireClass('local part', narrow, 'identifier')
  const mapped = untilStable('local part', narrow, text => text.toLowerCase().normalize('NFC'))
  requireConformance('local part', mapped, 'identifier')
  if (!bidiAllows(mapped)) throw new JidError('local part', 'mixes writing directions (RFC 5893 §2)')
  const excluded = NOT_IN_LOCAL.exec(mapped)
  if (excluded) throw new JidError('local part', `must not have ${excluded[0]}`)
  return requireBytes('local part', mapped)
}

/** RFC 7622 §3.4: OpaqueString. */
export function prepareResource(resource: string): string {
  if (PLAIN_TEXT.test(resource)) return resource
  requireLength('resource', resource)
  return requireBytes('resource', opaque('resource', resource))
}

/** RFC 8265 §4.2, for passwords; errors never quote them. At most 1023 bytes, the bound of the other strings here. */
export function opaqueString(text: string): string {
  if (PLAIN_TEXT.test(text)) return text
  requireLength('string', text)
  return requireBytes('string', opaque('string', text))
}

/**
 * RFC 8266 §2.3: how a nickname is kept and shown. Two nicknames are the same when their {@link nicknameKey} is.
 * A nickname that shows nothing is refused.
 */
export function prepareNickname(nickname: string): string {
  return enforceNickname(nickname, text => text)
}

/** RFC 8266 §2.4: what nicknames are compared by. */
export function nicknameKey(nickname: string): string {
  return enforceNickname(nickname, text => text.toLowerCase())
}

function opaque(part: Part, text: string): string {
  requireClass(part, text, 'freeform')
  const mapped = text.replace(SPACE, ' ').normalize('NFC')
  requireConformance(part, mapped, 'freeform')
  return mapped
}

function enforceNickname(nickname: string, mapCase: (text: string) => string): string {
  requireLength('nickname', nickname)
  requireClass('nickname', nickname, 'freeform')
  const mapped = untilStable('nickname', nickname, text =>
    mapCase(text.replace(SPACE, ' ').trim().replace(/ {2,}/g, ' ')).normalize('NFKC'),
  )
  requireConformance('nickname', mapped, 'freeform')
  if (!VISIBLE.test(mapped)) throw new JidError('nickname', 'shows nothing')
  return requireBytes('nickname', mapped)
}
