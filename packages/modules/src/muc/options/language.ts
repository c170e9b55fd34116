import { line } from './option.ts'

export const language = line('muc#roomconfig_lang', 'Language that is spoken here', { longest: 35 })
