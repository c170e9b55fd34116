import { randomBytes } from 'node:crypto'
import type { StoredInvite } from '@parley/store'
import { CommandError, type CommandSpec, type CommandValues, defineModule, parsePeriod } from '@xmpp/server-core'

export interface Invites {
  isGood(token: string): Promise<boolean>
  /** Uses the token up. Undefined: it is not good. */
  redeem(token: string): Promise<StoredInvite | undefined>
}

const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'invite',
    summary: 'Make an invitation: whoever has the link may register an account',
    parameters: [
      { name: 'expires', type: 'text', help: 'how long it is good: 30m, 24h, 7d (7d)' },
      { name: 'uses', type: 'number', help: 'how many accounts may be made with it (1)' },
    ],
  },
]

/** Invitations (XEP-0401 §4.2 made by the operator): a token for registration, and the link that carries it. */
export default defineModule({
  name: 'invites',
  commands: COMMANDS,
  setup({ store: { tokens }, host, domain, clock }) {
    const invites: Invites = {
      isGood: async token => isToken(token) && (await tokens.invites.peek(token))?.host === host.domain,
      redeem: async token => (isToken(token) ? tokens.invites.consume(token) : undefined),
    }

    async function invite(values: CommandValues) {
      if (domain.registration === 'closed') {
        throw new CommandError(
          `Registration is closed on ${host.domain}: set "registration: invite" in the configuration`,
        )
      }
      const length = parsePeriod(String(values['expires'] ?? '7d'))
      const uses = Number(values['uses'] ?? 1)
      if (length === undefined || length === 0) throw new CommandError('expires must be a time such as 30m, 24h or 7d')
      if (!Number.isInteger(uses) || uses < 1 || uses > 10_000) throw new CommandError('uses must be from 1 to 10000')
      const token = randomBytes(18).toString('base64url')
      const expires = clock.now() + length
      await tokens.invites.create(token, { owner: host.domain, host: host.domain, kind: 'account', expires, uses })
      // XEP-0445 §2.2
      return { text: `xmpp:${host.domain}?register;preauth=${token}\ngood until ${new Date(expires).toISOString()}` }
    }

    return { api: invites, commands: { invite } }
  },
})

function isToken(token: string): boolean {
  return token.length >= 8 && token.length <= 256
}
