import type { Show } from '@parley/adapter'
import msnp from '@parley/gateway-msnp'
import type { Manner } from '../public-im/mouth.ts'
import { Seat } from '../public-im/seat.ts'
import { MessengerServers } from './simulator.ts'

export const PASSWORD = 'wherefore art thou, & why?'
export const ROMEO = 'romeo@montague.example'
export const JULIET = 'juliet@capulet.example'
export const PARIS = 'paris@verona.example'
export const MERCUTIO = 'mercutio@verona.example'

export async function verona(manner?: Manner): Promise<MessengerServers> {
  const servers = await MessengerServers.open(manner)
  servers.add(ROMEO, PASSWORD, { [JULIET]: ['True love'], [MERCUTIO]: [] })
  servers.add(JULIET, PASSWORD, { [ROMEO]: [] })
  servers.add(MERCUTIO, PASSWORD)
  servers.add(PARIS, PASSWORD)
  return servers
}

export function seat(
  servers: MessengerServers,
  address: string,
  password = PASSWORD,
  kept?: Map<string, string>,
): Seat {
  const settings = { host: '127.0.0.1', port: servers.ports.dispatch, nexus: servers.passport.nexus }
  return Seat.of(msnp, settings, { address }, { password }, kept)
}

export async function comes(servers: MessengerServers, address: string, show: Show = 'available'): Promise<Seat> {
  const user = seat(servers, address)
  await user.session.start()
  await user.session.setPresence?.({ show }, { key: 'come' })
  return user
}
