export { type CertificateDescription, type CertificateParts, Certificates } from './certificates.ts'
export { starttls } from './starttls.ts'
