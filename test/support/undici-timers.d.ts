/** The clock of undici's own time-outs: `tick` lets it go on by so many milliseconds. */
declare module 'undici/lib/util/timers.js' {
  const timers: { readonly tick: (ms: number) => void }
  export default timers
}
