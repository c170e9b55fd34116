import { line } from './option.ts'

export const description = line('muc#roomconfig_roomdesc', 'What the room is about')
