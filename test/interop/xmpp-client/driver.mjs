// Runs @xmpp/client in a process of its own, where NODE_EXTRA_CA_CERTS makes it trust the server's certificate.
// Commands come as JSON lines on standard input, what happens goes as JSON lines to standard output.
import { createInterface } from 'node:readline'
import { client } from '@xmpp/client'
import parse from '@xmpp/xml/lib/parse.js'

const xmpp = client(JSON.parse(process.argv[2]))
xmpp.reconnect.delay = 50

const tell = (event, details) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`)
xmpp.on('status', status => tell('status', { status }))
xmpp.on('online', address => tell('online', { address: address.toString() }))
xmpp.on('error', error => tell('error', { text: String(error) }))
xmpp.on('element', element => tell('received', { xml: element.toString() }))
xmpp.on('send', element => tell('sent', { xml: element.toString() }))
xmpp.streamManagement.on('resumed', () => tell('resumed', {}))
xmpp.streamManagement.on('ack', stanza => tell('acknowledged', { xml: stanza.toString() }))

const commands = {
  start: () => xmpp.start(),
  send: ({ xml }) => xmpp.send(parse(xml)),
  async ask({ xml }) {
    const answer = await xmpp.iqCaller.request(parse(xml))
    tell('answered', { xml: answer.toString() })
  },
  stop: () => xmpp.stop(),
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  Promise.resolve(commands[command.do](command)).catch(error => tell('refused', { text: String(error) }))
}
process.exit()
