import { line } from './option.ts'

/** Where logs of the room are published, if anybody does that (`muc#roominfo_logs`). Named as XEP-0068 §3.4 wants it. */
export const logs = line('{urn:parley:rooms:0}logs', 'Web address of published logs')
