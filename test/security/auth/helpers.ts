import { expect } from '@jest/globals'
import {
  authenticate,
  type MemoryWireOptions,
  PASSWORD,
  plain,
  type RawClient,
  type StagedServer,
} from '@parley/testkit'
import type { Element } from '@parley/xml'

export const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const SASL2 = 'urn:xmpp:sasl:2'
export const FAST = 'urn:xmpp:fast:0'
export const AGENT = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
export const BINDINGS = {
  'tls-exporter': Buffer.alloc(32, 1),
  'tls-server-end-point': Buffer.alloc(32, 2),
}
export const TLS = {
  protocol: 'TLSv1.3',
  cipher: 'AES',
  bindings: BINDINGS,
  certificateAddresses: [] as string[],
  earlyData: false,
} as const

/** `success`, or the condition of a failure in either profile. */
export function outcome(answer: Element): string {
  return answer.elements().find(({ ns, name }) => ns === SASL && name !== 'text')?.name ?? answer.name
}

export async function opened(stage: StagedServer, options?: MemoryWireOptions): Promise<RawClient> {
  const client = stage.client(options)
  await client.negotiate('a.test')
  return client
}

export async function streamError(client: RawClient): Promise<string | undefined> {
  const error = await client.next('a stream error')
  expect(error.name).toBe('error')
  return error.firstElement()?.name
}

/** A FAST token of an account, got with its password. */
export async function tokenFor(stage: StagedServer, user: string): Promise<string> {
  await stage.account(user)
  const inline = `<request-token xmlns="${FAST}" mechanism="HT-SHA-256-NONE"/>`
  const login = plain(user, PASSWORD)
  const success = await authenticate(await opened(stage), 'PLAIN', login, { inline, agent: AGENT })
  return success.child('token', FAST)!.attrs['token']!
}
