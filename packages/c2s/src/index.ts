export { type Listeners, openListeners, type PeerDoor } from './listen.ts'
export { listenerModules } from './listeners.ts'
