import { createServer, type Server, type ServerResponse } from 'node:http'

/** The sign-in service: a nexus that names the login, which sends on once and sells tickets. */
export class Passport {
  readonly #server: Server
  readonly #tickets = new Map<string, string>()
  #sold = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(passwordOf: (address: string) => string | undefined): Promise<Passport> {
    const server = createServer()
    const passport = new Passport(server)
    server.on('request', (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://nexus')
      const here = `127.0.0.1:${passport.port}`
      if (pathname === '/rdr/pprdr.asp')
        response
          .writeHead(200, { PassportURLs: `DARealm=Passport.Net,DALogin=${here}/login.srf,DAReg=${here}/reg` })
          .end()
      else if (pathname === '/login.srf')
        response
          .writeHead(302, {
            Location: `http://${here}/there.srf`,
            'Authentication-Info': 'Passport1.4 da-status=redir',
          })
          .end()
      else if (pathname === '/there.srf') passport.#sell(request.headers.authorization ?? '', passwordOf, response)
      else response.writeHead(404).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return passport
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get nexus(): string {
    return `http://127.0.0.1:${this.port}/rdr/pprdr.asp`
  }

  owner(ticket: string): string | undefined {
    return this.#tickets.get(ticket)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #sell(authorization: string, passwordOf: (address: string) => string | undefined, response: ServerResponse): void {
    const part = (name: string) => decodeURIComponent(new RegExp(`[ ,]${name}=([^,]*)`).exec(authorization)?.[1] ?? '')
    const address = part('sign-in')
    const right =
      authorization.startsWith('Passport1.4 ') && authorization.includes('tpf=') && part('pwd') === passwordOf(address)
    if (!right) {
      response
        .writeHead(401, { 'WWW-Authenticate': "Passport1.4 da-status=failed,srealm=Passport.NET,cbtxt='wrong'" })
        .end()
      return
    }
    const ticket = `t=ticket${++this.#sold}&p=`
    this.#tickets.set(ticket, address)
    const info = `Passport1.4 da-status=success,tname=MSPAuth,tname=MSPProf,from-PP='${ticket}',ru=http://messenger.msn.com`
    response.writeHead(200, { 'Authentication-Info': info }).end('OK')
  }
}
