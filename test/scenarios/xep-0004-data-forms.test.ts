import { type Actor, refused, scenario } from '@parley/testkit'

const submit = (actor: Actor, fields: string, type = 'submit') =>
  actor.asksRaw(
    `<iq type="set"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="${type}">${fields}</x></query></iq>`,
  )
const field = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`

async function refusedForm(actor: Actor, fields: string, text: string, type?: string): Promise<void> {
  const answer = await submit(actor, fields, type)
  const error = answer.child('error')
  if (!error?.child('bad-request', STANZAS) || error.textOf('text', STANZAS) !== text) throw new Error(String(answer))
}
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

scenario('XEP-0004 § 3.1: a form of unknown type, and one that is no submission, are refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await refusedForm(romeo, '', 'A form needs a type that is known', 'maybe')
  await refusedForm(romeo, '', 'The form must be a submission', 'result')
})

scenario('XEP-0004 § 3.2: fields have names, each once', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await refusedForm(romeo, '<field><value>x</value></field>', 'A form field needs a name')
  await refusedForm(romeo, field('with', 'a@b') + field('with', 'c@d'), 'A form field is there twice')
})

scenario('XEP-0004 § 3.3: a boolean has four spellings', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await refusedForm(romeo, field('include-groupchat', 'perhaps'), 'A boolean field is true or false')
  for (const value of ['0', '1', 'true', 'false']) await submit(romeo, field('include-groupchat', value))
})

scenario('XEP-0068 § 3.2: a form of another type is for somebody else', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await refusedForm(romeo, field('FORM_TYPE', 'jabber:iq:register'), 'The form is for something else')
  await refused(
    romeo.asks`<iq type="set"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit"><field var="start"><value>now</value></field></x></query></iq>`,
    'bad-request',
  )
})
