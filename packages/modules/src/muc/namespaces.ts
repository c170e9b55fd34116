export const MUC = 'http://jabber.org/protocol/muc'
export const USER = `${MUC}#user`
export const ADMIN = `${MUC}#admin`
export const OWNER = `${MUC}#owner`
export const CONFIG = `${MUC}#roomconfig`
export const INFO = `${MUC}#roominfo`
export const REQUEST = `${MUC}#request`
export const REGISTER_FORM = `${MUC}#register`
export const STABLE_ID = `${MUC}#stable_id`
/** XEP-0410 §3.3 */
export const SELF_PING = 'http://jabber.org/protocol/muc#self-ping-optimization'
/** XEP-0513 */
export const MENTIONING = 'urn:xmpp:mentions:0'
export const CONFERENCE = 'jabber:x:conference'
export const HATS = 'urn:xmpp:hats:0'
export const MODERATE = 'urn:xmpp:message-moderate:1'
