import type { Adapter } from '@parley/adapter'
import email from '@parley/gateway-email'
import irc from '@parley/gateway-irc'
import sip from '@parley/gateway-sip'
import { freePort } from '../../ports.ts'
import { Exim, swaks } from '../email/exim.ts'
import { Person } from '../irc/person.ts'
import { ngircd } from '../irc/servers.ts'
import { Kamailio } from '../sip/kamailio.ts'
import { Linphone } from '../sip/linphone.ts'
import type { Friend, Scene } from './scene.ts'
import { ROMEO } from './verona.ts'

const nobodyAsks = async () => {}

/** A nickname on ngIRCd, with a bare connection. */
export const chat: Scene = {
  id: 'irc',
  title: 'IRC',
  adapter: irc as unknown as Adapter,
  programs: ['ngircd'],
  login: { nick: 'romeo', realname: 'Romeo Montague' },
  contact: 'mercutio@irc.example.org',
  name: 'Mercutio',
  tells: 'at once',
  begins: 'friend',
  lines: ['Nay, gentle Romeo, we must have you dance.', 'Not I, believe me: you have dancing shoes.'],
  async open() {
    const server = await ngircd()
    let mercutio: Person | undefined
    return {
      settings: ['host=127.0.0.1', `port=${server.port}`, 'tls=off'],
      async enter() {
        const person = await Person.enter(server.port, 'mercutio')
        mercutio = person
        return {
          accepts: nobodyAsks,
          says: async text => person.says(`PRIVMSG romeo :${text}`),
          hears: async text => {
            const line = await person.sees(/^:romeo!\S+ PRIVMSG mercutio :/)
            if (!line.endsWith(` PRIVMSG mercutio :${text}`)) throw new Error(`Mercutio has read ${line}`)
          },
        }
      },
      close: async () => {
        await mercutio?.leave()
        await server.stop()
      },
    }
  },
}

/** linphone at far.example, behind Kamailio. */
export const phone: Scene = {
  id: 'sip',
  title: 'SIP',
  adapter: sip as unknown as Adapter,
  programs: ['kamailio', 'sqlite3', 'linphonec'],
  contact: 'nurse\\40far.example@sip.example.org',
  name: 'Nurse',
  tells: 'at once',
  begins: 'friend',
  lines: ['My young lady bid me inquire you out.', 'Bid her devise some means to come to shrift.'],
  async open() {
    const tcp = await freePort()
    const kamailio = await Kamailio.open(tcp)
    let nurse: Linphone | undefined
    return {
      settings: ['listen=127.0.0.1', `tcp=${tcp}`, 'udp=0', `proxy=127.0.0.1:${kamailio.port};transport=tcp`],
      async enter() {
        const client = await Linphone.open('nurse', kamailio.port)
        nurse = client
        return {
          // Kamailio answers for her: what she publishes, whoever asks may see.
          accepts: nobodyAsks,
          says: async text => client.type(`chat sip:${ROMEO} ${text}`),
          hears: async text => {
            const [, said] = await client.says(/Message received from sip:romeo@example\.org: ([^\n]*)\n/)
            if (said !== text) throw new Error(`The nurse has read ${said}`)
          },
        }
      },
      close: async () => {
        await nurse?.close()
        await kamailio.close()
      },
    }
  },
}

/** A mailbox at Exim, whose owner answers with swaks. */
class Mailbox implements Friend {
  readonly #exim: Exim
  #last = ''

  constructor(exim: Exim) {
    this.#exim = exim
  }

  readonly accepts = nobodyAsks

  async says(text: string): Promise<void> {
    const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(this.#last)?.[1]?.trim() ?? ''
    const address = /<([^>]+)>|\S+@\S+/.exec(field('From'))
    const to = address?.[1] ?? address?.[0] ?? ''
    const headers = ['--header', `Subject: Re: ${field('Subject')}`, '--header', `In-Reply-To: ${field('Message-ID')}`]
    const { ok, said } = await swaks(this.#exim.port, 'juliet@verona.test', to, ...headers, '--body', text)
    if (!ok) throw new Error(`The answer was not taken:\n${said}`)
  }

  async hears(text: string): Promise<void> {
    this.#last = (await this.#exim.mail()).replaceAll('\r', '')
    if (!this.#last.includes(`\n\n${text}\n`)) throw new Error(`Juliet has read ${this.#last}\n${this.#exim.log}`)
  }
}

export const mail: Scene = {
  id: 'email',
  title: 'Email',
  adapter: email as unknown as Adapter,
  programs: ['exim4', 'swaks'],
  contact: 'juliet\\40verona.test@email.example.org',
  name: 'Juliet',
  tells: 'never',
  // Whoever writes by mail answers: the address of a conversation is in the first mail.
  begins: 'romeo',
  lines: [
    'My lips, two blushing pilgrims, ready stand.',
    'Good pilgrim, you do wrong your hand too much.',
    'Have not saints lips, and holy palmers too?',
  ],
  async open() {
    const ours = await freePort()
    const exim = await Exim.open(ours)
    return {
      settings: ['host=127.0.0.1', `port=${exim.port}`, 'security=none', `listenPort=${ours}`],
      enter: async () => new Mailbox(exim),
      close: () => exim.close(),
    }
  },
}
