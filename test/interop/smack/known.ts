import type { Result } from './report.ts'

/** Tests that may fail (`Class.method`), each with what makes the test wrong. See docs/interop.md. */
const KNOWN: Readonly<Record<string, string>> = {
  'MultiUserChatEntityIntegrationTest.mucTestForDiscoveringRooms':
    'expects rooms to be public that nobody made public; XEP-0045 §10.1.2 leaves the default configuration to the service',
  'MultiUserChatEntityIntegrationTest.mucTestForDiscoveringRoomItems':
    'expects the list of occupants; XEP-0045 §6.5: “or return no list at all if this information is kept private”',
  'FileTransferIntegrationTest.fileTransferTest':
    'client to client: Smack offers no loopback address to its peer, and has no other one here',
  'MultiUserChatOccupantIntegrationTest.mucLeaveTest':
    'Smack waits for itself: `join()` right after `leave()` holds the lock that its own reader of the last answer needs',
}

export const KNOWN_TESTS: readonly string[] = Object.keys(KNOWN)

/** Why a test that failed says nothing against the server. */
export function excuseOf({ name }: Pick<Result, 'name'>): string | undefined {
  return KNOWN[name.split(' ')[0]!]
}
