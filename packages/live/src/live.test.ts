import { liveContract } from './contract/live.ts'
import { memoryLive } from './memory.ts'

liveContract('memory', async options => ({ live: memoryLive(options) }))
