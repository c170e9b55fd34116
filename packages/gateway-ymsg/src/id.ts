const ID = /^[a-z0-9][a-z0-9._+-]{0,63}(?:@[a-z0-9](?:[a-z0-9.-]{0,62}))?$/

/** Lower case, without the domain that everybody had at first. */
export function canonical(id: string): string | undefined {
  const name = id.trim().toLowerCase()
  if (!ID.test(name)) return undefined
  return name.endsWith('@yahoo.com') ? name.slice(0, -'@yahoo.com'.length) : name
}
