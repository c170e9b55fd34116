/**
 * Whose data this is: the canonical bare JID text (RFC 7622) of an account, a room or a host. One that begins with `/` is a way
 * between two domains, see {@link wayOwner}: no JID does.
 */
export type Owner = string

/** The domain part of an owner; an owner without a local part is a host itself. */
export function hostOf(owner: Owner): string {
  return owner.slice(owner.indexOf('@') + 1)
}

/**
 * The owner of what waits to go from one of our domains to another one: rows of the message log that are owed, and never kept.
 * Ways sort together. Nothing that looks for the rows of an account, a room or a host meets them.
 */
export function wayOwner(from: string, to: string): Owner {
  return `/${from}/${to}`
}

/** The two domains of a way. */
export function domainsOfWay(owner: Owner): { readonly from: string; readonly to: string } {
  const [, from = '', to = ''] = owner.split('/')
  return { from, to }
}
