import type { TokenSlot, TokenStore } from '@parley/sasl'
import type { FastTokens } from '@parley/store'

/** The tokens of one host's accounts, as the SASL mechanisms want to see them (XEP-0484 §5.1). */
export function tokenSlots(tokens: FastTokens, host: string): TokenStore {
  const ownerOf = (user: string) => `${user}@${host}`
  return {
    async slots(user, client): Promise<TokenSlot[]> {
      const valid = await tokens.valid(ownerOf(user), client)
      return valid.map(({ slot, secret, mechanism, expires }) => ({
        id: `${slot} ${client}`,
        key: secret,
        mechanism,
        expires,
      }))
    },
    redeem(user, id, count) {
      const [slot = '', client = ''] = split(id)
      return tokens.used(ownerOf(user), client, slot === 'next' ? 'next' : 'current', count)
    },
  }
}

function split(id: string): [slot: string, client: string] {
  const space = id.indexOf(' ')
  return [id.slice(0, space), id.slice(space + 1)]
}
