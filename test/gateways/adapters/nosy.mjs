// An adapter that looks around, for tests of the process it runs in: it tells what it sees of the process.
export default {
  id: 'nosy',
  title: 'Nosy',
  mode: 'account',
  edition: 1,
  capabilities: { maxTextBytes: 1000, charset: 'utf-8', multiline: true, rate: 10 },
  settings: {},
  login: [],
  canonical: id => id,
  create: context => ({
    async start() {
      const seen = {
        environment: Object.keys(process.env),
        arguments: process.argv.slice(2),
        input: process.stdin.read(),
      }
      context.emit({ type: 'notice', text: JSON.stringify(seen) })
      const password = await context.secrets.get('password')
      context.log.warn(`I am ${password}`, { first: password.slice(0, 3), second: password.slice(3) })
      console.log('printed', password)
      process.stderr.write(`printed ${Buffer.from(password).toString('base64')}\n`)
      context.emit({ type: 'notice', text: 'seen' })
    },
    async stop() {},
    async search() {
      return [() => 'cannot be copied']
    },
    async send() {
      throw new TypeError(`my secret is ${await context.secrets.get('password')}`)
    },
  }),
}
