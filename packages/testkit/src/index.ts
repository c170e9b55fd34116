export { Actor } from './actor.ts'
export { RawClient } from './client.ts'
export { FakeClock } from './clock.ts'
export { closeStore, emptyStore } from './database.ts'
export { type DnsBehaviour, type DnsQuestion, DnsServer } from './dns-server.ts'
export {
  auth,
  authenticate,
  base64,
  type LoginOptions,
  plain,
  scramAuth,
  scramAuthenticate,
  text,
} from './login.ts'
export { any, type Captures, capture, exactly, like, mismatch, type Pattern, p, xmlOf } from './pattern.ts'
export { blackPng, noise, type Pixel, png, pngSize } from './picture.ts'
export { refused, scenario } from './scenario.ts'
export { ScramClient, type ScramOptions, tokenMessage } from './scram-client.ts'
export { PASSWORD, type ServerOptions, Stage, StagedServer } from './stage.ts'
export { Transcript } from './transcript.ts'
export { type ClientEnd, MemoryWire, type MemoryWireOptions } from './wire.ts'
