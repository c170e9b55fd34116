declare module 'tr46' {
  interface Options {
    checkBidi?: boolean
    checkHyphens?: boolean
    checkJoiners?: boolean
    useSTD3ASCIIRules?: boolean
    verifyDNSLength?: boolean
  }
  const tr46: {
    toASCII(domain: string, options?: Options): string | null
    toUnicode(domain: string, options?: Options): { domain: string; error: boolean }
  }
  export default tr46
}

// Unicode property tables that ECMAScript lacks (Bidi_Class, Joining_Type, the virama class), as regular expressions.
declare module 'tr46/lib/regexes.js' {
  const regexes: {
    combiningClassVirama: RegExp
    validZWNJ: RegExp
    bidiDomain: RegExp
    bidiS1LTR: RegExp
    bidiS1RTL: RegExp
    bidiS2: RegExp
    bidiS3: RegExp
    bidiS4EN: RegExp
    bidiS4AN: RegExp
    bidiS5: RegExp
    bidiS6: RegExp
  }
  export default regexes
}
