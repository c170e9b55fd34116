import { addresses } from './option.ts'

/**
 * Whom to ask about the room: shown to everybody (`muc#roominfo_contactjid`), so the owners name them. Owners themselves are
 * nobody's business where addresses are hidden. Named as XEP-0068 §3.4 wants it: the form of owners has no such field.
 */
export const contacts = addresses('{urn:parley:rooms:0}contacts', 'Contact addresses, shown to everybody')
