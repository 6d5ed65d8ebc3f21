/**
 * `node steady-load.ts URL RATE`: so many requests a second, each on a connection of its own and begun when its time has come whether the
 * ones before are answered or not, until its input ends. Then it says in JSON how many there were, and what became of those that failed.
 */
import { request } from 'node:http'

const [url = '', rate = '100'] = process.argv.slice(2)
const perTick = 5
const tickMs = (1_000 * perTick) / Number(rate)
const timeoutMs = 10_000
/** More are not open at once: a server that hangs must not take all ports. */
const most = 2_000

const failures: string[] = []
let sent = 0
let open = 0
let isOver = false

const fetchOnce = (): Promise<void> =>
  new Promise((resolve) => {
    const failed = (error: unknown): void => {
      failures.push(`${new Date().toISOString()} ${String(error)}`)
      resolve()
    }
    const outgoing = request(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.resume()
      response.once('error', failed)
      response.once('end', () => {
        if (response.statusCode !== 200) failures.push(`status ${response.statusCode}`)
        resolve()
      })
    })
    outgoing.once('error', failed)
    outgoing.end()
  })

const running = new Set<Promise<void>>()
const send = (): void => {
  if (open >= most) return void failures.push('not sent: too many are open')
  sent++
  open++
  const one = fetchOnce().finally(() => {
    open--
    running.delete(one)
  })
  running.add(one)
}

process.stdin.resume()
process.stdin.once('end', () => {
  isOver = true
})

const began = performance.now()
for (let tick = 1; !isOver; tick++) {
  for (let n = 0; n < perTick; n++) send()
  const restMs = began + tick * tickMs - performance.now()
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, restMs)))
}
await Promise.all(running)
const seconds = (performance.now() - began) / 1_000
console.log(
  JSON.stringify({
    sent,
    perSecond: Math.round(sent / seconds),
    failures: failures.length,
    some: failures.slice(0, 20),
  }),
)
