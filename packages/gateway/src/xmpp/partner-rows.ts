import { partnerRecords } from '@parley/s2s'
import { CommandError, type CommandRow, type Server } from '@xmpp/server-core'

/** What is given as the adapter of a network that speaks XMPP. */
export const XMPP = 'xmpp'

/** Public networks that speak XMPP, as Google Talk did: partner domains, which need no adapter. */
export async function partnerRows({ store, config }: Server): Promise<CommandRow[]> {
  const state = config.federation.enabled ? 'enabled' : 'disabled'
  const rows: CommandRow[] = []
  for (const [id, { state: said, type, comment }] of await partnerRecords(store)) {
    if (said !== 'allowed' || !type?.startsWith('public-')) continue
    rows.push({ id, adapter: XMPP, state, title: comment ?? type, users: '', ends: '' })
  }
  return rows
}

/** A domain that speaks XMPP is no provider. @throws CommandError that says which command it is */
export function refuseXmpp(settings: readonly string[]): never {
  const domain = settings.find(text => text.startsWith('domain='))?.slice('domain='.length) || 'DOMAIN'
  throw new CommandError(
    `XMPP needs no adapter, the domain is a partner: parley federation allow ${domain} --type public-unverified`,
  )
}

/** Ids of providers have no dots. @throws CommandError that says where partner domains are changed */
export function refuseDomain(id: string): void {
  if (id.includes('.')) throw new CommandError(`${id} is a domain that speaks XMPP: parley federation show ${id}`)
}
