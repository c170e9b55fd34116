import type { Breakage } from './build.ts'

/** Which trial must find a breakage, and what it must say. */
export interface Proof extends Breakage {
  readonly trial: string
  readonly finds: RegExp
}

/** Servers that are wrong on purpose: the checker is worth something when it finds each of them. */
export const BREAKAGES: readonly Proof[] = [
  {
    name: 'early-ack',
    title: 'what was read is answered for, before it is committed',
    trial: 'T1',
    finds: /lost/,
    changes: [
      {
        file: 'packages/modules/dist/stream-management.js',
        find: 'session.afterPending(() => {',
        put: 'Promise.resolve().then(() => {',
      },
      {
        file: 'packages/modules/dist/stream-management.js',
        find: 'h: session.handled % WRAP',
        put: 'h: session.received % WRAP',
      },
    ],
  },
  {
    name: 'no-mid',
    title: 'a packet that is delivered again gets another number',
    trial: 'T1',
    finds: /doubled/,
    changes: [
      {
        file: 'packages/live/functions/live.lua',
        find: "if call('ZADD', T .. ':m:' .. sid, 'NX', n, mid) == 0 then return nil end",
        put: "call('ZADD', T .. ':m:' .. sid, n, mid)",
      },
    ],
  },
  {
    name: 'last-first',
    title: 'what waited while Redis was away is sent to it the last first',
    trial: 'T4',
    finds: /inverted/,
    changes: [
      {
        file: 'packages/live/dist/redis/lane.js',
        find: 'this.#send(this.#waiting.splice(0, BATCH))',
        put: 'this.#send(this.#waiting.splice(0, BATCH).reverse())',
      },
    ],
  },
  {
    name: 'no-trim',
    title: 'what a client has taken is sent to it once more when it resumes',
    trial: 'T1',
    finds: /doubled/,
    changes: [
      {
        file: 'packages/live/functions/live.lua',
        find: '  if count > s.ack then release(sid, count) end\n  s.ack = count',
        put: '  s.ack = count',
      },
    ],
  },
  {
    name: 'no-janitor',
    title: 'nobody tidies up behind front ends that died',
    trial: 'T1',
    finds: /ghosts/,
    changes: [
      {
        file: 'packages/live/dist/redis/members.js',
        find: 'if (lease <= 0 && !own)',
        put: 'if (lease <= -1e9 && !own)',
      },
    ],
  },
  {
    name: 'no-outbox',
    title: 'nobody looks for what a dead front end had for another domain',
    trial: 'T18',
    finds: /lost/,
    changes: [
      {
        file: 'packages/s2s/dist/outbox.js',
        find: 'for (const row of rows) {',
        put: 'for (const row of rows.slice(0, 0)) {',
      },
    ],
  },
  {
    name: 'no-clearing',
    title: 'what another server has handled stays owed to it',
    trial: 'T18',
    finds: /doubled/,
    changes: [
      {
        file: 'packages/s2s/dist/outbox.js',
        find: 'this.#server.store.messages.clearOwed(ownerOf(pair), ids);',
        put: '',
      },
    ],
  },
]
