import { Cluster, Redis } from 'ioredis'

/**
 * Undoes what the library does to strings: it derives a class from `String`, whereupon V8 keeps `String.prototype` as a
 * dictionary and looks every method of every string up anew, in optimised code too (a third more CPU for a message at
 * low rates). V8 puts the prototype in order when code that has run some times looks a method up on a String *object*.
 */
function putStringsInOrder(): void {
  const boxed = Object('')
  for (let i = 0; i < 1000; i++) look(boxed)
}

function look(text: { charCodeAt: unknown }): unknown {
  return text.charCodeAt
}

putStringsInOrder()

export { Cluster, Redis }
