export { type SaslCondition, SaslError } from './error.ts'
export { type Exchange, startExchange } from './exchange.ts'
export { newToken, type TokenSlot, type TokenStore } from './hashed-token.ts'
export type {
  AccountStatus,
  Advertised,
  Awaitable,
  ChannelBindings,
  Credentials,
  FastRequest,
  Identity,
  Link,
  MechanismContext,
  SaslPolicy,
  Step,
  Success,
} from './mechanism.ts'
export {
  defaultPolicy,
  mechanismNames,
  offeredBindings,
  offeredMechanisms,
  offeredTokenMechanisms,
} from './mechanisms.ts'
export { PasswordError } from './password.ts'
export { decodePayload } from './payload.ts'
export {
  deriveScramKeys,
  keysFromSaltedPassword,
  newScramParameters,
  upgradeTask,
  verifyPassword,
} from './scram-keys.ts'
export {
  defaultIterations,
  type ScramKeys,
  type ScramMechanism,
  type ScramParameters,
  scramMechanisms,
} from './scram-mechanism.ts'
