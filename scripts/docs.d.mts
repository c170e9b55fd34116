import type { AnyModule, CommandSpec, ConfigKey } from '@xmpp/server-core'

export function pages(code: {
  readonly modules: readonly AnyModule[]
  readonly loadOrder: (modules: readonly AnyModule[]) => AnyModule[]
  readonly configKeys: (modules: readonly AnyModule[]) => ConfigKey[]
  readonly ownCommands: readonly CommandSpec[]
}): Map<string, string>
