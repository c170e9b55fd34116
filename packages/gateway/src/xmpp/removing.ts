import { Jid } from '@parley/jid'
import type { AccountKey } from '../engine.ts'
import type { House } from './house.ts'
import { gone } from './known.ts'

/** Nothing of a network stays in the roster of a user; the list there is not touched. */
export async function clearRoster({ host, stores, uses }: House, provider: string, user: Jid): Promise<void> {
  const service = `${provider}.${host.domain}`
  await stores.known.delete(user.text, provider)
  const { items } = await uses.roster.view(user)
  for (const contact of items.keys())
    if (contact.endsWith(`@${service}`)) await uses.roster.change(user, Jid.parse(contact), gone)
  await uses.roster.change(user, Jid.parse(service), item => (item.listed ? gone(item) : undefined))
}

/** Forgets a login with a network that is switched off, as its user would by unregistering. */
export async function forgetLogin(house: House, key: AccountKey): Promise<void> {
  const user = Jid.parse(key.owner)
  const home = house.houseOf(user.domain)
  await house.engine.unregister(key)
  if (!home) return
  home.registered.changed(key.owner)
  await home.stores.said.delete(user.text, key.provider)
  await clearRoster(home, key.provider, user)
  home.log.info('gateway unregistered', { provider: key.provider, account: user.text })
}
