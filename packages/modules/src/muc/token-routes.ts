import type { Jid } from '@parley/jid'
import { type Presence, StanzaError } from '@parley/stanza'
import { el } from '@parley/xml'
import { type IqRoute, iqGet, iqSet } from '@xmpp/server-core'
import { affiliate } from './administering.ts'
import { MUC } from './namespaces.ts'
import { inTurn, type Parts } from './parts.ts'
import type { Room } from './room.ts'
import { TOKENS } from './tokens.ts'

/** Asking for tokens, looking at them, and taking them back (XEP-0488 §3). */
export function tokenRoutes(parts: Parts): readonly IqRoute[] {
  const { tokens } = parts
  return [
    iqSet(
      'account',
      TOKENS,
      'request',
      inTurn(parts, ({ room }, { from, payload }) => tokens.issue(room, from, payload)),
    ),
    iqGet(
      'account',
      TOKENS,
      'tokens',
      inTurn(parts, ({ room }, { from }) => tokens.list(room, from)),
    ),
    iqSet(
      'account',
      TOKENS,
      'revoke',
      inTurn(parts, async ({ room }, { from, payload }) => {
        await tokens.revoke(room, from, payload.text().trim())
        return undefined
      }),
    ),
  ]
}

/** §3.5: whoever comes with a good token is a member from then on. @throws StanzaError `not-authorized` */
export async function redeem(parts: Parts, room: Room, from: Jid, presence: Presence): Promise<void> {
  const { keeper, outlet, guessed, tokens } = parts
  const text = presence.child('x', MUC)?.textOf('password', MUC)
  const account = from.bare
  // §4: who belongs to the room needs none, and uses up none.
  if (text === undefined || room.config.password !== '' || room.isLocked) return
  if (room.affiliationOf(account) !== 'none') return
  if (!guessed.allows(account.text)) throw new StanzaError('resource-constraint', 'Too many wrong tokens')
  if (!(await tokens.isGood(room, text))) {
    // Into an open room anybody may come, with a password of old times too.
    if (!room.config.membersOnly) return
    guessed.count(account.text)
    throw new StanzaError('not-authorized', 'The token is not good any more', { extra: [el('expired-token', TOKENS)] })
  }
  await keeper.affiliate(room, account, { affiliation: 'member' })
  await tokens.use(room, text)
  outlet.during(undefined, () => affiliate(room, account, { affiliation: 'member' }))
}
