import { afterEach } from '@jest/globals'
import type { Presence } from '@parley/adapter'
import { freePort } from '../../ports.ts'
import { begin, endAll } from './context.ts'
import { type Heard, Peer } from './peer.ts'

export const JULIET = 'juliet@example.org'
export const ROMEO = 'romeo@far.example'
export const by = { key: 'k', user: JULIET }
let peers: Peer[] = []

afterEach(async () => {
  await endAll()
  for (const peer of peers) peer.close()
  peers = []
})

/** The adapter, and Romeo at the other end of a datagram socket, who is its proxy and thereby trusted. Ends with the test. */
export async function stage(settings: object = {}, use: Parameters<typeof begin>[1] = {}) {
  const [udp, far] = [await freePort(), await freePort()]
  const romeo = await Peer.open(udp, far)
  peers.push(romeo)
  const here = await begin({ udp, transport: 'udp', proxy: `127.0.0.1:${far};transport=udp`, ...settings }, use)
  return { ...here, romeo, udp }
}

export const here: Presence = { show: 'available' }
export const gone: Presence = { show: 'unavailable' }
export const subscribe = { Event: 'presence', Accept: 'application/pidf+xml', Expires: '600' }
export const pidf = (inside: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<!-- of Romeo -->\n<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" xmlns:m="urn:ietf:params:xml:ns:pidf:data-model" entity="pres:romeo@far.example">${inside}</p:presence>`

/** Romeo tells how he is, within the dialog that Juliet's SUBSCRIBE has begun. */
export function tells(
  romeo: Peer,
  asked: Heard,
  state: string,
  number: number,
  body = '',
  type = 'application/pidf+xml',
): void {
  romeo.request(
    'NOTIFY',
    {
      target: `sip:juliet@127.0.0.1`,
      From: `<sip:romeo@far.example>;tag=far${romeo.port}`,
      To: asked.header('from'),
      'Call-ID': asked.header('call-id'),
      CSeq: `${number} NOTIFY`,
      Event: 'presence',
      'Subscription-State': state,
      ...(body && { 'Content-Type': type }),
    },
    body,
  )
}
export const CATEGORIES = 'application/msrtc-event-categories+xml'
