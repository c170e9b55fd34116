// node storm.mjs PORT A_SECOND SECONDS: connects from ever new addresses of loopback, opens streams, and reads what comes.
// Prints how many connections were opened.
import { connect } from 'node:net'

const [port, perSecond, seconds] = process.argv.slice(2).map(Number)
const HEADER =
  '<stream:stream to="localhost" version="1.0" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">'
const ROUND = 10
let opened = 0
let tried = 0
const began = performance.now()

function round() {
  const due = Math.min(seconds * 1000, performance.now() - began) * (perSecond / 1000)
  // What could not be done in time is not made up for: a storm that has stalled is none.
  tried = Math.max(tried, Math.floor(due - perSecond / 10))
  for (; tried < due; tried++) {
    const localAddress = `127.${1 + (tried % 250)}.${1 + ((tried >> 8) % 250)}.${1 + ((tried >> 4) % 250)}`
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    socket.on('connect', () => {
      opened++
      socket.write(HEADER)
    })
    socket.on('error', () => {})
    socket.resume()
  }
}

setInterval(round, ROUND)
setTimeout(() => {
  console.log(opened)
  process.exit()
}, seconds * 1000)
