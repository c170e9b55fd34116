import { afterAll, beforeAll, describe } from '@jest/globals'
import { accountSuite } from './contract/accounts.ts'
import { drivers, type Opened } from './contract/drivers.ts'
import { gatewaySuite } from './contract/gateways.ts'
import { mapSuite } from './contract/maps.ts'
import { messageSuite } from './contract/messages.ts'
import { pubsubSuite } from './contract/pubsub.ts'
import { rosterSuite } from './contract/rosters.ts'
import { streamSuite } from './contract/streams.ts'
import { tokenSuite } from './contract/tokens.ts'
import { wordSuite } from './contract/words.ts'

describe.each([...drivers])('$name', driver => {
  let opened: Opened
  beforeAll(async () => {
    opened = await driver.open()
  })
  afterAll(() => opened.close())
  const use = () => opened.store

  accountSuite(use)
  rosterSuite(use)
  messageSuite(use)
  streamSuite(use)
  mapSuite(use)
  tokenSuite(use)
  pubsubSuite(use)
  wordSuite(use)
  gatewaySuite(use)
})
