/** What an attacker tries, against a lab of root and one of an ordinary user: nothing succeeds, and nobody else is harmed. */
import t from 'tap'
import { type LabUser, ordinaryUser } from '../../integration/support/lab.ts'
import { type Attack, checkUnharmed, startAttackedLab } from './attacked-lab.ts'
import { bodyAttacks } from './attacks/bodies.ts'
import { deletionAttacks } from './attacks/deletions.ts'
import { extensionAttacks } from './attacks/extensions.ts'
import { identityAttacks } from './attacks/identities.ts'
import { imagePodAttacks } from './attacks/image-pods.ts'
import { ingressAttacks } from './attacks/ingress.ts'
import { joinTokenAttacks } from './attacks/join-token.ts'
import { nodeAttacks } from './attacks/node-credential.ts'
import { processPodAttacks } from './attacks/process-pods.ts'
import { rightsAttacks } from './attacks/rights.ts'
import { ruleAttacks } from './attacks/rules.ts'
import { streamAttacks } from './attacks/streams.ts'

t.setTimeout(900_000)

const suites: Readonly<Record<string, readonly Attack[]>> = {
  bodies: bodyAttacks,
  rules: ruleAttacks,
  'the credential of a node': nodeAttacks,
  'a join token': joinTokenAttacks,
  'names and tokens': identityAttacks,
  'few rights': rightsAttacks,
  extensions: extensionAttacks,
  streams: streamAttacks,
  ingress: ingressAttacks,
  deletions: deletionAttacks,
  'process pods': processPodAttacks,
  'pods of images': imagePodAttacks,
}

const attackLab = async (t: Parameters<typeof checkUnharmed>[0], user?: LabUser): Promise<void> => {
  const lab = await startAttackedLab(t, user)
  for (const [suite, attacks] of Object.entries(suites))
    await t.test(suite, async (t) => {
      for (const { name, run } of attacks) await t.test(name, (t) => run(t, lab))
      await t.test('nobody is harmed', (t) => checkUnharmed(t, lab))
    })
}

t.test(`a lab of ${process.getuid?.() === 0 ? 'root' : 'an ordinary user'}`, { timeout: 420_000 }, (t) => attackLab(t))

t.test('a lab of an ordinary user beside root', { timeout: 420_000 }, async (t) => {
  const user = await ordinaryUser()
  if (typeof user === 'string') return t.skip(user, () => undefined)
  await attackLab(t, user)
})
