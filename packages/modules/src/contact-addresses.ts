import { formField, formOf } from '@parley/stanza'
import { defineModule } from '@xmpp/server-core'
import disco from './disco.ts'

const SERVER_INFO = 'http://jabber.org/network/serverinfo'

/** Contact addresses (XEP-0157): whom to tell about abuse, and other offices, as the configuration names them. */
export default defineModule({
  name: 'contact-addresses',
  xeps: [{ number: 157, version: '1.1.1' }],
  uses: { disco },
  setup({ domain, uses }) {
    const fields = Object.entries(domain.contact)
      .filter(([, addresses]) => addresses.length > 0)
      .map(([office, addresses]) => formField(`${office}-addresses`, 'list-multi', addresses))
    const form = formOf('result', SERVER_INFO, { fields })
    if (fields.length > 0) uses.disco.addForm(() => form)
    return {}
  },
})
