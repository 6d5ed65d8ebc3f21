/** The echo server as a program of its own. Argument: the port. */
import { hostname } from 'node:os'
import { echoIdentity, runEcho } from '../../src/agent/echo/echo.ts'

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const port = Number(process.argv[2] ?? 8080)
const say = (line: string) => process.stdout.write(`${line}\n`)
await runEcho({ ...echoIdentity(process.env, hostname()), port, lameDuckMs: 200, say }, stop.signal)
