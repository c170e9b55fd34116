import { expect } from '@jest/globals'
import { modules } from '@parley/modules'
import { formField, formOf } from '@parley/stanza'
import { scenario } from '@parley/testkit'
import { defineModule } from '@xmpp/server-core'

const INFO = 'http://jabber.org/protocol/disco#info'
const disco = modules.find(({ name }) => name === 'disco')!

scenario('XEP-0128 § 2: what modules have to say of the host stands in forms', async ({ server }) => {
  const speaker = defineModule({
    name: 'speaker',
    uses: { disco },
    setup({ uses }) {
      const { addForm } = uses.disco as { addForm(form: () => unknown): void }
      addForm(() => formOf('result', 'urn:test:form', { fields: [formField('os', 'text-single', 'Mac')] }))
      addForm(() => undefined)
      return {}
    },
  })
  const [romeo] = await (await server('a.test', { modules: [...modules, speaker] })).connect('romeo/orchard')

  const info = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}"/></iq>`
  expect(info.childrenNamed('x', 'jabber:x:data').map(String)).toEqual([
    '<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>urn:test:form</value></field><field var="os" type="text-single"><value>Mac</value></field></x>',
  ])
})
