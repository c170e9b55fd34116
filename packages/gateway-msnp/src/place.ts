import { type AdapterClock, AdapterError, type Connection, type Context } from '@parley/adapter'

/** Where a switchboard is, and what lets us in. */
export interface Place {
  readonly me: string
  readonly key: string
  readonly clock: AdapterClock
  connect(): Promise<Connection>
}

/** `host:port`, as servers name each other. @throws AdapterError where it is none */
export function hostPort(text: string | undefined): { readonly host: string; readonly port: number } {
  const match = /^([A-Za-z0-9.-]{1,253}):(\d{1,5})$/.exec(text ?? '')
  const port = Number(match?.[2])
  if (!match || port < 1 || port > 65_535) throw new AdapterError('protocol', 'Messenger names a server that is none')
  return { host: match[1] as string, port }
}

export function placeOf(context: Context, me: string, server: string | undefined, key: string | undefined): Place {
  const { host, port } = hostPort(server)
  if (!key) throw new AdapterError('protocol', 'Messenger gives no key for a conversation')
  return { me, key, clock: context.clock, connect: () => context.connect({ host, port, tls: false }) }
}
