import { type Capabilities, defineAdapter, FEATURES } from '@parley/adapter'
import { canonical } from './canonical.ts'
import { LoopSession } from './session.ts'
import { settings } from './settings.ts'
import { world } from './world.ts'

export { type Login, Person } from './person.ts'
export { World, world } from './world.ts'

/** Not in memory: history of rooms, and files. */
const ALL = Object.fromEntries(FEATURES.map(feature => [feature, 'both']))
const capabilities: Capabilities = {
  ...ALL,
  roomHistory: 'none',
  file: 'none',
  maxTextBytes: 4096,
  charset: 'utf-8',
  maxStatusBytes: 512,
  multiline: true,
  rate: 100,
}

/** A network in memory, where accounts of one server talk with each other: the worked example of an adapter. */
export default defineAdapter({
  id: 'loopback',
  title: 'Loopback',
  mode: 'account',
  edition: 1,
  capabilities,
  settings,
  login: [
    { name: 'name', label: 'Name', type: 'text', required: true },
    { name: 'password', label: 'Password', type: 'secret', required: false },
  ],
  canonical,
  create: context => new LoopSession(context, world(context.settings.world)),
})
