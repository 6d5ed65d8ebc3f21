/** A process that claims parts of a node, for those who take them over. Arguments: state folder, manner, parts. */
import { openTakeover } from '../../src/agent/takeover.ts'
import { silentLogger } from '../../src/host/log.ts'

const [folder = '', manner = '', ...parts] = process.argv.slice(2)
const takeover = await openTakeover(folder, silentLogger)
const left = new Set(parts)
for (const part of parts) {
  const claim = await takeover.claim(part)
  claim.signal.addEventListener('abort', () => {
    process.stdout.write(`asked ${part}\n`)
    // One that is deaf to requests goes on.
    if (manner !== 'polite') return
    void claim.end().then(() => {
      left.delete(part)
      if (left.size === 0) process.exit(0)
    })
  })
}
process.on('SIGTERM', () => {
  if (manner === 'deaf') process.exit(0)
})
setInterval(() => undefined, 60_000)
process.stdout.write('claimed\n')
