import type { Config } from '@xmpp/server-core'

const DOORS: Record<string, string> = {
  client: 'clients (STARTTLS)',
  clientTls: 'clients (direct TLS)',
  server: 'other servers (STARTTLS)',
  serverTls: 'other servers (direct TLS)',
  component: 'components',
  http: 'HTTP, for a proxy on this machine',
  https: 'WebSocket and host-meta (HTTPS)',
}

const REGISTRATION: Record<Config['registration'], string> = {
  closed: '(people cannot register themselves: registration is closed)',
  invite: '(people register themselves with a link that "npx parley invite" makes)',
  open: '(people can register themselves: registration is open)',
}

/** What to do next, for somebody who has just typed `npm start`. */
export function welcome(config: Config, addresses: ReadonlyMap<string, string>): string {
  const [domain = 'localhost'] = config.domains.keys()
  const doors = [...addresses].map(([door, address]) => `    ${address.padEnd(22)} ${DOORS[door] ?? door}`)
  return [
    '',
    `  Parley serves ${[...config.domains.keys()].join(', ')}`,
    ...doors,
    '',
    '  Make the first account, in another terminal:',
    `    npx parley user add you@${domain}`,
    `    ${REGISTRATION[config.registration]}`,
    '',
    `  Then log in with any XMPP client as you@${domain}. "npx parley check" looks at ports, certificates`,
    '  and DNS records; a certificate is self-signed until you give one (README, "Certificates").',
    '  Ctrl-C stops the server.',
    '',
  ].join('\n')
}
