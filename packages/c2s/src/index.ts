export { CertificateError } from './certificate-files.ts'
export { type CertificateDescription, type CertificateParts, Certificates } from './certificates.ts'
export { type Listeners, openListeners } from './listen.ts'
export { listenerModules } from './listeners.ts'
