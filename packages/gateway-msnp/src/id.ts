const ADDRESS =
  /^[a-z0-9!#$&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
/** How public IM connectivity spelt addresses of other domains: `anna(contoso.com)@msn.com`. */
const ALIAS = /^([^()@\s]+)\(([^()@\s]+)\)@msn\.com$/

/** A mail address in lower case. */
export function canonical(id: string): string | undefined {
  const text = id.trim().toLowerCase()
  const alias = ALIAS.exec(text)
  const address = alias ? `${alias[1]}@${alias[2]}` : text
  return address.length <= 129 && ADDRESS.test(address) ? address : undefined
}
