import { flag } from './option.ts'

export const changeSubject = flag('muc#roomconfig_changesubject', 'Let participants change the subject', true)
