export type {
  AccountKey,
  AccountState,
  AccountStatus,
  CommandName,
  CommandOf,
  Engine,
  EngineListener,
  IdMap,
  IdPair,
  Provider,
} from './engine.ts'
