import t from 'tap'
import { createOwnImages } from '../../../../src/agent/runtime/own-images.ts'

const images = createOwnImages({ PATH: '/bin' })

for (const [reference, entrypoint] of [
  ['podway/echo', ['podway', 'echo']],
  ['podway/echo:1.2', ['podway', 'echo']],
  ['podway/echo@sha256:0', ['podway', 'echo']],
  ['x:5000/podway/echo', []],
  ['nginx', []],
  ['constructor', []],
  ['', []],
] as const)
  t.test(JSON.stringify(reference), async (t) => {
    t.match(await images.find(reference), { config: { entrypoint, cmd: [], env: { PATH: '/bin' }, user: '' } })
  })
