/** Runs `check` about every second, without keeping the process alive, until the returned function is called. */
export function everySecond(check: () => void): () => void {
  const timer = setInterval(check, 1000)
  timer.unref()
  return () => clearInterval(timer)
}
