/** Every case of policy-cases.ts, in chains and by evaluation: both must say what the case says. */
import t from 'tap'
import { evaluate } from '../../../../src/overlay/policy/evaluate.ts'
import { readPolicy } from '../../../../src/overlay/policy/model.ts'
import { podAddresses, podKeys, policyCases, policyObjects, type Try } from '../../../support/policy-cases.ts'
import { caseNamespace, casePods, createPolicyKernel } from './support.ts'

t.ok(policyCases.length >= 40)

for (const one of policyCases)
  t.test(one.name, async (t) => {
    const policies = policyObjects(one).map(readPolicy)
    const pods = new Map(
      [...casePods].map(([key, pod]) => [key, { ...pod, labels: { ...pod.labels, ...one.labels?.[key] } }]),
    )
    const namespaces = new Map(['x', 'y', 'z'].map((name) => [name, { ...caseNamespace(name), ...one.labels?.[name] }]))
    const nodes = ['here', 'there'].map((name) => createPolicyKernel('IPv4', name))
    for (const { chains, kernel } of nodes) {
      // First as they were before their labels changed, then as they are: a change must do what a fresh start does.
      for (const [key, pod] of casePods) chains.setPod(key, pod)
      for (const name of namespaces.keys()) chains.setNamespace(name, caseNamespace(name))
      for (const policy of policies) chains.setPolicy(policy.key, policy)
      await kernel.repair(chains.all())
      chains.takeChange()
      for (const [key, pod] of pods) chains.setPod(key, pod)
      for (const [name, labels] of namespaces) chains.setNamespace(name, labels)
      await kernel.advance(chains.takeChange())
    }
    const passed = { true: 0, false: 0 }
    for (const protocol of one.protocols ?? (['TCP'] as const))
      for (const port of [80, 81] as const)
        for (const from of podKeys)
          for (const to of podKeys) {
            if (from === to) continue
            const attempt: Try = { from, to, protocol, port }
            const wanted = one.allows(attempt)
            const packet = { from: podAddresses[from], to: podAddresses[to], protocol, port }
            const passes = nodes.every(({ passes }) => passes(packet))
            const verdicts = evaluate(
              {
                ...{ protocol, port, from: { address: packet.from, pod: pods.get(from) } },
                to: { address: packet.to, pod: pods.get(to) },
              },
              { pods, namespaces, policies },
            )
            const said = verdicts.every(({ isAllowed }) => isAllowed)
            passed[`${wanted}`]++
            if (passes !== wanted || said !== wanted)
              t.fail(`${from} to ${to} ${protocol} ${port}: wanted ${wanted}, chains ${passes}, evaluation ${said}`)
          }
    t.ok(passed.true > 0, `${passed.true} allowed, ${passed.false} denied`)
  })
