import { AdapterError, type Context, type HttpResponse } from '@parley/adapter'
import { quote } from './codec.ts'

const HOPS = 5

/**
 * Buys a ticket for `USR TWN S` with the password: the nexus names the login server, which may send us on.
 * @param parameters what the server of Messenger gave with its challenge
 * @throws AdapterError `credentials` where the password is wrong
 */
export async function buyTicket(
  fetch: Context['fetch'],
  nexus: string,
  address: string,
  password: string,
  parameters: string,
): Promise<string> {
  if (!/^[\x21-\x7e]{0,4096}$/.test(parameters))
    throw new AdapterError('protocol', 'The server of Messenger does not say how to sign in')
  const told = await fetch({ method: 'GET', url: nexus, limit: 65_536 })
  const login = /(?:^|,)\s*DALogin=([^,\s]+)/i.exec(told.headers['passporturls'] ?? '')?.[1]
  if (!login) throw new AdapterError('transient', 'The sign-in service of Messenger does not say where to sign in')
  // A plain nexus is a test or a museum; from an encrypted one the password never goes out in the clear.
  const plain = nexus.startsWith('http://')
  let url = /^https?:/i.test(login) ? login : `${plain ? 'http' : 'https'}://${login}`
  const authorization =
    'Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,' +
    `sign-in=${quote(address)},pwd=${quote(password)},${parameters}`
  for (let hop = 0; hop < HOPS; hop++) {
    if (!plain && !/^https:/i.test(url))
      throw new AdapterError('denied', 'The sign-in service of Messenger wants the password in the clear')
    const answer = await fetch({ method: 'GET', url, headers: { authorization }, limit: 65_536 })
    const said = answer.headers['authentication-info'] ?? answer.headers['www-authenticate'] ?? ''
    const ticket = /from-PP='([^'\s]+)'/i.exec(said)?.[1]
    if (answer.status === 200 && ticket) return ticket
    url = nextOf(answer, url)
  }
  throw new AdapterError('transient', 'The sign-in service of Messenger sends us round in circles')
}

function nextOf(answer: HttpResponse, url: string): string {
  if (answer.status === 401) throw new AdapterError('credentials', 'The address or the password for Messenger is wrong')
  const next = answer.headers['location']
  if (answer.status < 300 || answer.status >= 400 || !next)
    throw new AdapterError('transient', `The sign-in service of Messenger does not work (${answer.status})`)
  try {
    return new URL(next, url).href
  } catch {
    throw new AdapterError('transient', 'The sign-in service of Messenger sends us nowhere')
  }
}
