export { Body } from './body.ts'
export {
  DataForm,
  type FieldType,
  type FormField,
  type FormOption,
  type FormParts,
  type FormType,
  formField,
  formOf,
  readSubmission,
} from './data-form.ts'
export { formatDateTime, parseDateTime } from './datetime.ts'
export { delay, forwarded } from './delay.ts'
export { type Condition, type ErrorDetails, type ErrorType, StanzaError } from './error.ts'
export { NS } from './namespaces.ts'
export { errorOf, mayBounce, refusalOf, resultOf } from './reply.ts'
export { type PageRequest, type PageSummary, pageOf, pageSet, readRsm, rsmElement } from './rsm.ts'
export {
  type Head,
  Iq,
  type IqType,
  Message,
  type MessageType,
  Presence,
  type PresenceType,
  parseStanza,
  readAddress,
  readStanza,
  type Stanza,
  StanzaBase,
} from './stanza.ts'
