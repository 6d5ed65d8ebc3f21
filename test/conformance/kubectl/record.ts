/**
 * Writes down what a kubectl says to another API server, against which ours is held:
 *   node test/conformance/kubectl/record.ts KUBECTL KUBECONFIG
 */
import { writeFile } from 'node:fs/promises'
import { goldenOf } from './golden.ts'
import { minorOf, runSteps } from './run.ts'

const [kubectl, kubeconfig] = process.argv.slice(2)
if (kubectl === undefined || kubeconfig === undefined) {
  console.error('usage: node test/conformance/kubectl/record.ts KUBECTL KUBECONFIG')
  process.exit(2)
}
const said = await runSteps(kubectl, kubeconfig)
await writeFile(goldenOf(await minorOf(kubectl)), `${JSON.stringify(said, undefined, 1)}\n`)
console.log(`${said.length} steps`)
