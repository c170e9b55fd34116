import { describe } from '@jest/globals'
import { placeSuite } from './places.ts'
import { queueSuite } from './queues.ts'
import { sessionSuite } from './sessions.ts'
import { type Driver, Setting } from './setting.ts'

export type { DriverOptions } from './setting.ts'

/** What every driver must do; run it over each of them. */
export function liveContract(name: string, driver: Driver): void {
  describe(`live state: ${name}`, () => {
    const at = new Setting(driver)
    sessionSuite(at)
    queueSuite(at)
    placeSuite(at)
  })
}
