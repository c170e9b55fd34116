export { type Adapter, defineAdapter, type LoginField } from './adapter.ts'
export { Answers } from './answers.ts'
export { type Capabilities, can, FEATURES, type Feature, type Way } from './capabilities.ts'
export type {
  AccountInfo,
  AdapterClock,
  AdapterLog,
  Connection,
  ConnectOptions,
  Context,
  HttpRequest,
  HttpResponse,
  Listening,
  ListenOptions,
  Media,
  Vault,
} from './context.ts'
export { AdapterError, type Failure } from './errors.ts'
export type {
  Contact,
  Event,
  EventOf,
  Heard,
  Origin,
  Place,
  Presence,
  Profile,
  Room,
  RoomMember,
  Show,
} from './events.ts'
export { FrameReader, type Framing } from './frames.ts'
export { KeptMap } from './kept.ts'
export { LineReader } from './lines.ts'
export { Once } from './once.ts'
export { pump } from './pump.ts'
export { sameSecret } from './same.ts'
export type { Ack, By, Outgoing, Session } from './session.ts'
export {
  choice,
  flag,
  integer,
  port,
  readSetting,
  type Setting,
  type Settings,
  type SettingValues,
  secret,
  text,
} from './settings.ts'
export { Turns } from './turns.ts'
