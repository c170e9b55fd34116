const NAME = /^[a-z0-9][a-z0-9@._+-]{0,96}$/

/** Lower case without spaces, as AIM compares names; a number of ICQ is one too. */
export function canonical(id: string): string | undefined {
  const name = id.toLowerCase().replace(/[ \t]/g, '')
  return NAME.test(name) ? name : undefined
}

/** A number: the user of an ICQ program. */
export const isIcq = (id: string) => /^\d{3,12}$/.test(id)
