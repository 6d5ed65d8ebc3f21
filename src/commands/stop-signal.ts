/** A signal that aborts when the process is asked to end, also by its terminal that goes. A second request ends it at once. */
export const stopSignal = (): AbortSignal => {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1)
    controller.abort()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', stop)
  return controller.signal
}
