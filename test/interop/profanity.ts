import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DOMAIN, password, type Stage } from './stage.ts'
import { Terminal } from './terminal.ts'

const PREFERENCES = `
[ui]
splash=false
[notifications]
message=false
[logging]
chlog=true
dblog=on
`

/** profanity on a screen, with an account for the server. */
export class Profanity {
  readonly terminal: Terminal

  constructor(stage: Stage, username: string) {
    const home = stage.folder('profanity')
    const config = join(home, 'config/profanity')
    const data = join(home, 'data/profanity')
    for (const folder of [config, data]) mkdirSync(folder, { recursive: true })
    writeFileSync(join(config, 'profrc'), PREFERENCES)
    writeFileSync(
      join(data, 'accounts'),
      `[me]
enabled=true
jid=${username}@${DOMAIN}
server=${DOMAIN}
port=${stage.ports.client}
password=${password(username)}
resource=profanity
tls.policy=force
`,
    )
    this.terminal = new Terminal(home, ['profanity'], {
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
    })
  }

  /** Logs in; looks at the certificate, which it does not know, and accepts it. Gives what was shown of it. */
  async login(): Promise<string> {
    await this.terminal.shows('Welcome to Profanity')
    this.terminal.enter('/connect me')
    const certificate = await this.terminal.shows('/tls allow')
    this.terminal.enter('/tls allow')
    await this.terminal.shows('logged in successfully')
    return certificate
  }
}
