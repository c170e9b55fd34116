import { ejabberd } from './ejabberd.ts'
import { jabberd2 } from './jabberd2.ts'
import { parley } from './parley.ts'
import type { Peer, PeerName } from './peer.ts'
import { prosody } from './prosody.ts'

export const peers: Readonly<Record<PeerName, Peer>> = { prosody, ejabberd, jabberd2, parley }
