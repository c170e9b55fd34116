/** Canonical bare JID text (RFC 7622) of an account, a room or a host: whose data this is. */
export type Owner = string

/** The domain part of an owner; an owner without a local part is a host itself. */
export function hostOf(owner: Owner): string {
  return owner.slice(owner.indexOf('@') + 1)
}
