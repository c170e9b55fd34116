import { CommandError, type Parameter } from '@xmpp/server-core'
import type { Provider } from '../engine.ts'

const ON_OFF = ['on', 'off'] as const
const DAY = /^\d{4}-\d\d-\d\d$/

/** What may be said of a network, when it is added or later. */
export const ABOUT: readonly Parameter[] = [
  { name: 'title', type: 'text', help: 'what users read' },
  {
    name: 'verification',
    type: 'choice',
    choices: ['verified', 'contacts', 'everyone'],
    help: 'whose messages and requests reach users',
  },
  { name: 'seats', type: 'choice', choices: ON_OFF, help: 'whether a seat is needed' },
  { name: 'pool', type: 'number', help: 'how many seats there are; 0: any number' },
  { name: 'rooms', type: 'choice', choices: ON_OFF, help: 'whether its rooms may be used' },
  { name: 'always-on', type: 'choice', choices: ON_OFF, help: 'whether sessions stay while the user is away' },
  { name: 'patience', type: 'number', help: 'how many seconds a message may wait for the network' },
  { name: 'icon', type: 'text', help: 'address of a picture' },
]

/** @throws CommandError where a value cannot be that */
export function aboutOf(values: Readonly<Record<string, unknown>>): Partial<Provider> {
  const { title, verification, seats, pool, rooms, patience, icon } = values
  const alwaysOn = values['always-on']
  if (patience !== undefined && !(Number(patience) >= 1 && Number(patience) <= 86_400))
    throw new CommandError('patience is 1 to 86400 seconds')
  if (pool !== undefined && !(Number.isInteger(pool) && Number(pool) >= 0))
    throw new CommandError('pool is a number of seats')
  return {
    ...(title !== undefined && { title: String(title) }),
    ...(verification !== undefined && { verification: verification as Provider['verification'] }),
    ...(seats !== undefined && { seats: seats === 'on' }),
    ...(pool !== undefined && { pool: Number(pool) }),
    ...(rooms !== undefined && { rooms: rooms === 'on' }),
    ...(alwaysOn !== undefined && { alwaysOn: alwaysOn === 'on' }),
    ...(patience !== undefined && { patience: Number(patience) * 1000 }),
    ...(icon !== undefined && { icon: String(icon) }),
  }
}

/** @throws CommandError where it is no day that there is */
export function dayOf(name: string, value: unknown): string {
  const text = String(value)
  const time = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text)
    throw new CommandError(`${name} is a day, such as 2030-12-31`)
  return text
}
