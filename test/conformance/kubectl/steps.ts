/**
 * What users type, in one order: every step is a line of words for kubectl, sometimes with a manifest on its standard input.
 * No controller is needed: it is about what client and API server say to each other.
 */

import { certificateRequest } from '../../support/valid-objects.ts'

export interface Step {
  readonly words: string
  readonly input?: string
  /** In the folder that it is said in, for this step and later ones. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

const run = (...lines: readonly string[]): readonly Step[] => lines.map((words) => ({ words }))
const give = (words: string, ...objects: readonly object[]): Step => ({
  words,
  input: objects.map((object) => JSON.stringify(object)).join('\n'),
})
/** The editor of `edit` is a program that changes the file it is given. */
const edit = (words: string, script: string): Step => ({ words, env: { KUBE_EDITOR: `sed -i '${script}'` } })

const deployment = (image: string, more: object = {}) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', labels: { app: 'web' } } },
  spec: {
    ...{ replicas: 2, selector: { matchLabels: { app: 'web' } } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }], ...more },
    },
  },
})
const configMap = (name: string, data: object, labels = {}) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data },
})
const pruned = (set: string, ...names: readonly string[]) =>
  names.map((name) => configMap(`${set}-${name}`, { a: 'b' }, { prune: set }))
const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { zone: 'a' } } })
const boundPod = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bound' } },
  spec: { nodeName: 'golden-node', containers: [{ name: 'c', image: 'i' }] },
}
const job = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } }

const creations = run(
  'create configmap settings --from-literal=a=1 --from-literal=b=2',
  'create configmap settings --from-literal=a=1',
  'create secret generic key --from-literal=password=x',
  'create secret docker-registry pull --docker-server=r.example.com --docker-username=u --docker-password=p',
  'create serviceaccount robot',
  'create deployment made --image=registry.example.com/a:1',
  'create job once --image=registry.example.com/a:1 -- true',
  'create quota small --hard=pods=4,configmaps=50',
  'create role reader --verb=get,list --resource=pods,services',
  'create rolebinding readers --role=reader --user=jane --serviceaccount=golden:robot',
  'create clusterrole golden-role --verb=get --resource=nodes',
  'create clusterrolebinding golden-binding --clusterrole=golden-role --group=team',
  'create service clusterip plain --tcp=80:8080',
  'create service nodeport open --tcp=80:8080 --node-port=30111',
  'create service externalname far --external-name=example.com',
  'create priorityclass golden-high --value=1000 --description=high',
  'create poddisruptionbudget half --selector=app=web --min-available=1',
  'create namespace Wrong_Name',
  'create cronjob tick --image=registry.example.com/a:1 --schedule=@hourly',
  'create ingress door --rule=a.example.com/*=plain:80 --annotation=a=b',
  'create token robot',
  'create token nobody',
  'create clusterrole golden-sum --aggregation-rule=golden=yes',
  'create deployment many --image=registry.example.com/a:1 --replicas=3 --port=80',
  'create quota named --hard=pods=1 --scopes=BestEffort',
  'create rolebinding readers --role=reader --user=jane',
  'run alone --image=registry.example.com/a:1 --labels=app=alone --env=A=b --port=80',
  'expose pod alone --port=80 --name=alone',
  'expose service plain --port=81 --name=again',
  'expose deployment many --type=NodePort --name=many-open',
  'expose configmap settings --port=80',
  'run dry --image=registry.example.com/a:1 --dry-run=server -o name',
)

const fromFiles: readonly Step[] = [
  {
    words: 'create configmap filed --from-file=one.txt --from-file=two=one.txt',
    files: { 'one.txt': 'a line\n', 'all.env': 'A=b\nC=d\n' },
  },
  ...run('create secret generic filed --from-env-file=all.env', 'get configmap filed -o jsonpath={.data}'),
  {
    words: 'apply -k base',
    files: {
      'base/kustomization.yaml': 'namePrefix: k-\ncommonLabels: {k: "yes"}\nresources: [map.yaml, service.yaml]\n',
      'base/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: "1"}\n',
      'base/service.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n',
    },
  },
  ...run('get -k base', 'get service k-s -o jsonpath={.spec.selector}'),
  {
    words: 'diff -k base',
    files: { 'base/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: "2"}\n' },
  },
  ...run('apply -k base', 'delete -k base'),
]

const reading = run(
  'get configmaps,secrets,services -l nothing=here',
  'get deployments,jobs,services,quota,role,rolebinding,pdb',
  'get deployment made -o wide',
  'get pods -o wide --show-labels',
  'get pod alone -o yaml',
  'get service open -o json',
  'get configmap settings -o jsonpath={.data.a}',
  'get configmaps -o name',
  'get services --sort-by=.metadata.name -o custom-columns=NAME:.metadata.name,TYPE:.spec.type',
  'get services --sort-by=.metadata.name',
  'get pods --field-selector=status.phase=Pending,metadata.name!=other',
  'get pods --field-selector=spec.unknown=1',
  'get pods -l app=alone,!other',
  'get pods -l app=(',
  'get priorityclass golden-high',
  'get clusterrole golden-role -o yaml',
  'get no-such-kinds',
  'get pods no-such-pod',
  'get pod,service alone',
  'get --raw /api/v1/namespaces/golden/configmaps/settings',
  'describe configmap settings',
  'describe pod alone',
  'describe deployment made',
  'describe service open',
  'describe quota small',
  'describe role reader',
  'describe pdb half',
  'describe namespace golden',
  'describe secret key',
  'describe serviceaccount robot',
  'describe rolebinding readers',
  'describe ingress door',
  'describe priorityclass golden-high',
  'describe clusterrole golden-role',
  'get all',
  'get all -l nothing=here',
  'get pods -A --field-selector=metadata.namespace=golden -o name',
  'get configmaps --chunk-size=1 -o name',
  'get deployments.v1.apps made -o name',
  'get deploy/made cm/settings',
  'get configmap settings --watch --output-watch-events --request-timeout=2s',
  'get pods --watch-only -o name --request-timeout=2s',
  'get --raw /healthz',
  'get --raw /no/such/path',
  'logs alone',
  'exec alone -- ls',
  'attach alone',
  'port-forward pod/alone 0:80',
  'port-forward service/plain 0:80 --pod-running-timeout=1s',
  'cp alone:/a here',
  'cluster-info',
  'events',
  'get events',
  'rollout status deployment made --timeout=1s',
  'api-resources --api-group=apps',
  'api-resources --api-group=batch --no-headers --verbs=list',
)

const applying: readonly Step[] = [
  give('apply -f -', deployment('registry.example.com/a:1'), configMap('extra', { a: 'b' }, { set: 'one' })),
  give('apply -f -', deployment('registry.example.com/a:1'), configMap('extra', { a: 'b' }, { set: 'one' })),
  give('diff -f -', deployment('registry.example.com/a:2')),
  give('apply -f -', deployment('registry.example.com/a:2', { terminationGracePeriodSeconds: 5 })),
  give('apply -f -', deployment('registry.example.com/a:2')),
  give('apply -f - --dry-run=server', configMap('never', { a: 'b' })),
  give('apply -f - --dry-run=client', configMap('never', { a: 'b' })),
  give('apply -f - --prune -l set=one', configMap('other', { a: 'b' }, { set: 'one' })),
  give('apply -f - --server-side', configMap('shared', { a: 'one', b: 'two' })),
  give('apply -f - --server-side --field-manager=second', configMap('shared', { a: 'other' })),
  give('apply -f - --server-side --field-manager=second --force-conflicts', configMap('shared', { a: 'other' })),
  ...run('get configmap shared -o jsonpath={.data}', 'get deployment web -o yaml', 'get configmap never'),
  give('create -f -', configMap('twice', { a: 'b' }), configMap('twice', { a: 'b' })),
  give('create -f -', { ...configMap('odd', {}), data: { 'a b': 'c' } }),
  give('create -f -', { apiVersion: 'example.com/v1', kind: 'Nothing', metadata: { name: 'a' } }),
  give('create -f - --validate=false', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'loose' }, dta: {} }),
  give('replace -f -', configMap('twice', { a: 'c' })),
  give('replace -f -', configMap('no-such', { a: 'c' })),
  give('replace --force -f -', configMap('twice', { a: 'd' })),
  give('create -f -', { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'twice' }, spec: job }),
  give('create --raw /api/v1/namespaces/golden/configmaps -f -', configMap('raw', { a: 'b' })),
  give('replace --raw /api/v1/namespaces/golden/configmaps/raw -f -', configMap('raw', { a: 'c' })),
  ...run('get configmap raw -o jsonpath={.data}', 'delete --raw /api/v1/namespaces/golden/configmaps/raw'),
  ...['whitelist', 'allowlist'].flatMap((list) => [
    give(`apply -f - --prune -l prune=${list} --prune-${list}=core/v1/ConfigMap`, ...pruned(list, 'a', 'b')),
    give(`apply -f - --prune -l prune=${list} --prune-${list}=core/v1/ConfigMap`, ...pruned(list, 'a')),
  ]),
  ...[['a', 'b'], ['a']].map((names) => ({
    ...give('apply -f - --prune --applyset=golden-set', ...pruned('set', ...names)),
    env: { KUBECTL_APPLYSET: 'true' },
  })),
  ...run('get configmaps -l prune -o name', 'get secret golden-set -o jsonpath={.metadata.annotations}'),
  give('diff -f - --server-side', configMap('shared', { a: 'third' })),
  give('apply -f - --server-side --dry-run=server', configMap('shared', { b: 'three' })),
  give('apply -f -', configMap('moved', { a: 'by the client' })),
  give('apply -f - --server-side --force-conflicts', configMap('moved', { a: 'by the server' })),
  ...run('apply view-last-applied configmap/twice', 'apply view-last-applied configmap/raw'),
  give('apply set-last-applied -f - --create-annotation', configMap('twice', { a: 'd' })),
  edit('apply edit-last-applied configmap/twice', 's/a: d/a: e/'),
  edit('edit configmap twice', 's/a: d/a: other/'),
  edit('edit configmap twice', 's/nothing/else/'),
  edit('edit deployment web', 's/replicas: 2/replicas: -2/'),
  edit('edit configmap no-such', 's/a/b/'),
  ...run('get configmap twice -o jsonpath={.data}'),
]

const changing = run(
  'label deployment web tier=front',
  'label deployment web tier=back',
  'label deployment web tier=back --overwrite',
  'label deployment web tier-',
  'annotate deployment web note=hello',
  'set image deployment/web web=registry.example.com/a:3',
  'set image deployment/web nothing=registry.example.com/a:3',
  'set env deployment/web A=b',
  'set resources deployment web --limits=cpu=200m,memory=512Mi',
  'set serviceaccount deployment web robot',
  'scale deployment web --replicas=4',
  'scale deployment web --replicas=5 --current-replicas=2',
  'scale deployment web --replicas=5 --current-replicas=4',
  'autoscale deployment web --max=5 --cpu-percent=50',
  'rollout pause deployment web',
  'rollout pause deployment web',
  'rollout resume deployment web',
  'rollout restart deployment web',
  'rollout history deployment web',
  'patch deployment web -p {"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s"}]}}}}',
  'patch deployment web --type=merge -p {"spec":{"minReadySeconds":3}}',
  'patch deployment web --type=json -p [{"op":"replace","path":"/spec/replicas","value":1}]',
  'patch deployment web --type=json -p [{"op":"test","path":"/spec/replicas","value":9}]',
  'patch deployment web -p {"spec":{"selector":{"matchLabels":{"app":"other"}}}}',
  'patch service open -p {"spec":{"type":"ClusterIP"}}',
  'patch configmap settings -p {"data":{"a":null}}',
  'get configmap settings -o yaml',
  'get deployment web -o yaml',
  'get hpa web -o yaml',
  'set env deployment/web --list',
  'set env deployment/web A-',
  'set image deployment/web web=registry.example.com/a:4 --dry-run=server -o name',
  'set selector service plain app=b',
  'set subject rolebinding readers --user=john',
  'label configmap other --list',
  'label configmaps --all all=yes',
  'label configmap other 1_=2/3',
  'annotate configmap moved --list',
  'annotate deployment web note-',
  'autoscale deployment web --max=5',
  'rollout undo deployment web',
  'rollout history deployment web --revision=7',
  'rollout status statefulset no-such',
  'scale deployment web made --replicas=1',
  'scale deployment no-such --replicas=1',
  'patch deployment web --subresource=status --type=merge -p {"status":{"replicas":7}}',
  'get deployment web --subresource=status -o jsonpath={.status.replicas}',
  'get deployment web --subresource=scale -o name',
  'wait --for=jsonpath={.spec.replicas}=1 deployment/web --timeout=1s',
  'wait --for=jsonpath={.status.phase}=Active namespace/golden --timeout=1s',
  'wait --for=create configmap/settings --timeout=1s',
  'wait --for=condition=Available deployment/web --timeout=0s',
  'wait --for=delete configmap/no-such --timeout=1s',
)

const nodes: readonly Step[] = [
  give('create -f -', node('golden-node')),
  ...run(
    'get nodes golden-node',
    'cordon golden-node',
    'cordon golden-node',
    'get nodes golden-node',
    'uncordon golden-node',
    'taint nodes golden-node key=value:NoSchedule',
    'taint nodes golden-node key=value:NoSchedule',
    'taint nodes golden-node key-',
    'label node golden-node zone=b --overwrite',
    'taint nodes golden-node key=value:Wrong',
    'taint nodes -l zone=b key=value:NoExecute',
    'taint nodes golden-node key:NoExecute-',
    'describe node golden-node',
    'drain golden-node --force',
  ),
  give('create -f -', boundPod),
  ...run(
    'drain golden-node',
    'drain golden-node --force --dry-run=server',
    'drain golden-node --force --grace-period=0 --timeout=5s',
    'get pod bound',
    'debug alone --image=registry.example.com/d:1 --container=beside',
    'debug alone --image=registry.example.com/d:1 --container=dbg --copy-to=copied',
    'debug node/golden-node --image=registry.example.com/d:1',
    'delete node golden-node',
  ),
]

const certificates: readonly Step[] = [
  give('create -f -', {
    ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'golden-csr' } },
    spec: {
      request: Buffer.from(certificateRequest).toString('base64'),
      ...{ signerName: 'example.com/signer', usages: ['client auth'] },
    },
  }),
  ...run(
    'get csr golden-csr',
    'describe csr golden-csr',
    'certificate approve golden-csr',
    'certificate approve golden-csr',
    'certificate deny golden-csr',
    'wait --for=condition=Approved csr/golden-csr --timeout=1s',
    'certificate approve no-such',
    'delete csr golden-csr',
  ),
]

const asking: readonly Step[] = [
  ...run(
    'auth can-i --list --as=jane',
    'auth can-i create pods/exec --as=jane',
    'auth can-i delete namespaces/golden -A',
    'auth whoami --as=jane',
  ),
  give('auth reconcile -f -', {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'reader', namespace: 'golden' } },
    rules: [{ apiGroups: [''], resources: ['pods', 'services', 'configmaps'], verbs: ['get', 'list', 'watch'] }],
  }),
  ...run(
    'auth can-i create pods',
    'auth can-i create pods --as=jane',
    'auth can-i list pods --as=jane',
    'auth can-i get services --as=jane -n golden',
    'get pods --as=jane -o name',
    'get nodes --as=jane',
    'create configmap no --as=jane --from-literal=a=b',
    'auth can-i list pods --as=system:serviceaccount:golden:robot',
    'auth can-i get /healthz --as=system:anonymous --as-group=system:unauthenticated',
  ),
]

const ending = run(
  'delete configmap settings',
  'delete configmap settings',
  'delete configmap settings --ignore-not-found',
  'delete deployment made --wait=false',
  'delete deployment many --cascade=orphan --wait=false',
  'delete clusterrole golden-sum',
  'delete configmap filed no-such',
  'delete pods --field-selector=metadata.name=copied --grace-period=0 --force',
  'delete pod alone --grace-period=0 --force',
  'delete services --all',
  'delete configmaps -l set=one',
  'delete deployment web --dry-run=server',
  'delete deployment,job --all',
  'delete clusterrolebinding golden-binding',
  'delete clusterrole golden-role',
  'delete priorityclass golden-high',
  'get configmaps,deployments,services -o name',
)

export const steps: readonly Step[] = [
  ...run('create namespace golden'),
  ...[...creations, ...fromFiles, ...reading, ...applying, ...changing],
  ...[...nodes, ...certificates, ...asking, ...ending],
]
