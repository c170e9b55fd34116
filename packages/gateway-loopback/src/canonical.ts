/** Names are letters, digits, dots, hyphens and underscores; those of rooms begin with `#`. Case and spaces count for nothing. */
export function canonical(id: string): string | undefined {
  if (id.length > MOST * 2) return undefined
  const plain = id.toLowerCase().replaceAll(' ', '')
  return NAME.test(plain) ? plain : undefined
}

const MOST = 64
const NAME = /^#?[a-z0-9._-]{1,63}$/

export function isRoom(id: string): boolean {
  return id.startsWith('#')
}
