export { asciiDomain, prepareDomain } from './domain.ts'
export { JidError } from './errors.ts'
export { Jid } from './jid.ts'
export { nicknameKey, opaqueString, prepareLocal, prepareNickname, prepareResource } from './prepare.ts'
