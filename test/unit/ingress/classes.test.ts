/** Which Ingresses this proxy serves. */
import t from 'tap'
import { classView, ingressView, isServed } from '../../../src/proxy/ingress/routes/model.ts'
import { type IngressSketch, ingress, ingressClass } from '../../support/ingress-objects.ts'

const annotation = (name: string) => ({ annotations: { 'kubernetes.io/ingress.class': name } })

const ours = ingressClass('edge')
const theirs = ingressClass('nginx', 'k8s.io/ingress-nginx')
const oursByDefault = ingressClass('edge', 'podway.dev/ingress', true)
const theirsByDefault = ingressClass('nginx', 'k8s.io/ingress-nginx', true)

const cases: readonly (readonly [string, IngressSketch, readonly (typeof ours)[], boolean])[] = [
  ['class of ours', { className: 'edge' }, [ours, theirs], true],
  ['class of another controller', { className: 'nginx' }, [ours, theirs], false],
  ['class that does not exist', { className: 'gone' }, [ours, oursByDefault], false],
  ['annotation with a class of ours', annotation('edge'), [ours], true],
  ['annotation with a class of another', annotation('nginx'), [ours, theirs], false],
  ['annotation with our name and no such class', annotation('podway'), [], true],
  ['annotation with our name, a class of another', annotation('podway'), [ingressClass('podway', 'x/y')], false],
  ['annotation with an unknown name', annotation('traefik'), [oursByDefault], false],
  ['annotation before the field', { className: 'nginx', ...annotation('edge') }, [ours, theirs], true],
  ['no class, ours is the default', {}, [oursByDefault, theirs], true],
  ['no class, another is the default', {}, [ours, theirsByDefault], false],
  ['no class, no default', {}, [ours], false],
  ['no class, no classes', {}, [], false],
]

for (const [name, sketch, classes, served] of cases)
  t.test(name, async (t) => {
    const views = new Map(classes.map((each) => [each.metadata.name, classView(each)]))
    t.equal(isServed(ingressView(ingress(sketch)), views), served)
  })
