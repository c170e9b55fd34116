import { describe } from '@jest/globals'
import { loginPlays } from './login.ts'
import type { Conformance } from './peer.ts'
import { presencePlays } from './presence.ts'
import { roomPlays } from './rooms.ts'
import { rosterPlays } from './roster.ts'
import { signalPlays } from './signals.ts'
import { textPlays } from './text.ts'
import { troublePlays } from './trouble.ts'

export type { Ability, Break, Conformance, Login, Peer, Person, PresenceRow, Signal } from './peer.ts'
export { Quiet } from './quiet.ts'
export { by, eventually, Rig } from './rig.ts'
export { AS_SHOWN, HIDDEN } from './rows.ts'
export { Running } from './running.ts'
export { Spoiler, says, spoils } from './spoiler.ts'

/** Registers the tests that every adapter has to pass; what the peer cannot show is listed as not shown. See docs/adapters.md. */
export function runConformance(conformance: Conformance): void {
  describe(`${conformance.adapter.title}: an adapter as it should be`, () => {
    describe('coming and going', () => loginPlays(conformance))
    describe('texts', () => textPlays(conformance))
    describe('signals', () => signalPlays(conformance))
    describe('presence', () => presencePlays(conformance))
    describe('contacts', () => rosterPlays(conformance))
    describe('rooms', () => roomPlays(conformance))
    describe('trouble', () => troublePlays(conformance))
  })
}
