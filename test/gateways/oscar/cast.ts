import oscar from '@parley/gateway-oscar'
import type { Manner } from '../public-im/mouth.ts'
import { Seat } from '../public-im/seat.ts'
import { OscarServers } from './simulator.ts'

export const PASSWORD = 'wherefore'

/** AIM: Romeo and Juliet; ICQ: 1001 and 1002. 1003 wants to be asked. */
export async function verona(manner?: Manner): Promise<OscarServers> {
  const servers = await OscarServers.open(manner)
  servers.add('Romeo M', PASSWORD, { Capulets: ['Juliet C'], Friends: ['mercutio', 'Juliet C'] })
  servers.add('Juliet C', PASSWORD, { Buddies: ['romeo m'] })
  servers.add('mercutio', PASSWORD)
  servers.add('paris', PASSWORD)
  servers.add('1001', PASSWORD, { General: ['1002'] })
  servers.add('1002', PASSWORD, { General: ['1001'] })
  servers.add('1003', PASSWORD, {}, true)
  return servers
}

export function seat(servers: OscarServers, name: string, password = PASSWORD): Seat {
  return Seat.of(oscar, { host: '127.0.0.1', port: servers.ports.gate }, { name }, { password })
}

export async function comes(servers: OscarServers, name: string): Promise<Seat> {
  const user = seat(servers, name)
  await user.session.start()
  return user
}
