import ymsg from '@parley/gateway-ymsg'
import type { Manner } from '../public-im/mouth.ts'
import { Seat } from '../public-im/seat.ts'
import { YahooServer } from './simulator.ts'

export const PASSWORD = 'wherefore art thou?'

/** A server where romeo and juliet have each other in their lists, and romeo has mercutio and tybalt too. */
export async function verona(manner?: Manner): Promise<YahooServer> {
  const server = await YahooServer.open(manner)
  server.add('romeo', PASSWORD, { Capulets: ['juliet'], 'My friends': ['mercutio', 'juliet'] }, ['paris'])
  server.add('juliet', PASSWORD, { Friends: ['romeo'] })
  server.add('mercutio', PASSWORD)
  server.add('paris', PASSWORD)
  return server
}

export function seat(
  server: { readonly port: number },
  name: string,
  password = PASSWORD,
  kept?: Map<string, string>,
): Seat {
  return Seat.of(ymsg, { host: '127.0.0.1', port: server.port }, { name }, { password }, kept)
}

export async function comes(server: YahooServer, name: string): Promise<Seat> {
  const user = seat(server, name)
  await user.session.start()
  return user
}
