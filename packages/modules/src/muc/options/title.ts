import { line } from './option.ts'

export const title = line('muc#roomconfig_roomname', 'Name of the room', { longest: 256 })
