/**
 * `kubectl explain` of each kubectl that is found (see ../support/clients.ts): those up to 1.26 read OpenAPI v2, later ones v3.
 */
import { execa } from 'execa'
import t from 'tap'
import { isJsonObject } from '../../src/api/json.ts'
import { gatewayDefinitions } from '../../src/control/bootstrap/gateway/definitions.ts'
import { descriptionOfField, descriptionOfType } from '../../src/control/openapi/descriptions.ts'
import { kubectls } from '../support/clients.ts'
import { serveApi } from '../support/served-api.ts'

/** What is asked, and the type and the field whose words must be said. An empty field is the type itself. */
const questions: readonly (readonly [words: string, ...said: (readonly [type: string, field: string])[]])[] = [
  ['pods', ['core/v1.Pod', ''], ['core/v1.Pod', 'metadata'], ['core/v1.Pod', 'spec'], ['core/v1.Pod', 'apiVersion']],
  [
    'pods.metadata',
    ['core/v1.Pod', 'metadata'],
    ['meta/v1.ObjectMeta', ''],
    ['meta/v1.ObjectMeta', 'creationTimestamp'],
  ],
  ['pods.spec', ['core/v1.Pod', 'spec'], ['core/v1.PodSpec', ''], ['core/v1.PodSpec', 'nodeName']],
  [
    'pods.spec.containers',
    ['core/v1.PodSpec', 'containers'],
    ['core/v1.Container', ''],
    ['core/v1.Container', 'image'],
  ],
  ['pods.spec.containers.image', ['core/v1.Container', 'image']],
  ['deployments.spec.strategy', ['apps/v1.DeploymentSpec', 'strategy'], ['apps/v1.DeploymentStrategy', 'type']],
  ['services.spec', ['core/v1.Service', 'spec'], ['core/v1.ServiceSpec', 'clusterIP']],
]

/** Of kinds that come as CustomResourceDefinitions: where the words stand in their schemas. */
const customQuestions: readonly (readonly [words: string, plural: string, ...said: readonly string[]])[] = [
  ['gateways.spec', 'gateways', 'spec', 'spec.gatewayClassName', 'spec.listeners'],
  ['httproutes.spec.rules', 'httproutes', 'spec.rules', 'spec.rules[].matches'],
  ['grpcroutes.status.parents.conditions', 'grpcroutes', 'status.parents[].conditions[].reason'],
]

const wordsAt = (plural: string, path: string): string | undefined => {
  const schema = gatewayDefinitions().find(({ spec }) => spec.names.plural === plural)?.spec.versions[0]?.schema
  const steps = path.replaceAll('[]', '.[]').split('.')
  const found = steps.reduce<unknown>((at, step) => {
    if (!isJsonObject(at)) return undefined
    return step === '[]' ? at['items'] : isJsonObject(at['properties']) ? at['properties'][step] : undefined
  }, schema?.openAPIV3Schema)
  return isJsonObject(found) && typeof found['description'] === 'string' ? found['description'] : undefined
}

/** Lines are broken and indented in different ways. */
const plain = (text: string): string => text.replaceAll(/\s+/g, ' ')

for (const path of kubectls())
  t.test(`${path} explain`, { timeout: 120_000 }, async (t) => {
    const { kubeconfig } = await serveApi(t)
    const kubectl = async (words: string) => {
      const { stdout, stderr, exitCode } = await execa(path, [...words.split(' ')], {
        ...{ env: { KUBECONFIG: kubeconfig, HOME: `${kubeconfig}.home` }, reject: false, timeout: 60_000 },
      })
      t.equal(exitCode, 0, `${words}: ${stderr}`)
      return stdout
    }
    for (const [words, ...said] of questions) {
      const answer = plain(await kubectl(`explain ${words}`))
      for (const [type, field] of said) {
        const text = field === '' ? descriptionOfType(type) : descriptionOfField(type, field)
        t.ok(text !== undefined && answer.includes(text), `${words}: ${text}`)
      }
    }
    for (const [words, plural, ...said] of customQuestions) {
      const answer = plain(await kubectl(`explain ${words}`))
      for (const path of said) {
        const text = wordsAt(plural, path)
        t.ok(text !== undefined && answer.includes(text), `${words}: ${text}`)
      }
    }
    const tree = await kubectl('explain pods --recursive')
    t.match(tree, /\n {2,}spec\s+<.*\n(.*\n)* +containers\s+<.*\n(.*\n)* +livenessProbe\s+</)
  })
