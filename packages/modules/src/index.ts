import type { AnyModule } from '@xmpp/server-core'
import authentication from './authentication.ts'
import bind from './bind.ts'
import ping from './ping.ts'
import sasl from './sasl.ts'

/** Everything that a server speaks, in no particular order: the loader looks at what uses what. */
export const modules: readonly AnyModule[] = [authentication, bind, ping, sasl]
