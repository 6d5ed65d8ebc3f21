/**
 * What users type, in one order: every step is a line of words for kubectl, sometimes with a manifest on its standard input.
 * No controller is needed: it is about what client and API server say to each other.
 */

export interface Step {
  readonly words: string
  readonly input?: string
}

const run = (...lines: readonly string[]): readonly Step[] => lines.map((words) => ({ words }))
const give = (words: string, ...objects: readonly object[]): Step => ({
  words,
  input: objects.map((object) => JSON.stringify(object)).join('\n'),
})

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
const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { zone: 'a' } } })
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
  'run alone --image=registry.example.com/a:1 --labels=app=alone --env=A=b --port=80',
  'expose pod alone --port=80 --name=alone',
)

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
    'drain golden-node --force',
    'delete node golden-node',
  ),
]

const asking = run(
  'auth can-i create pods',
  'auth can-i create pods --as=jane',
  'auth can-i list pods --as=jane',
  'auth can-i get services --as=jane -n golden',
  'get pods --as=jane -o name',
  'get nodes --as=jane',
  'create configmap no --as=jane --from-literal=a=b',
  'auth can-i list pods --as=system:serviceaccount:golden:robot',
  'auth can-i get /healthz --as=system:anonymous --as-group=system:unauthenticated',
)

const ending = run(
  'delete configmap settings',
  'delete configmap settings',
  'delete configmap settings --ignore-not-found',
  'delete deployment made --wait=false',
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
  ...[...creations, ...reading, ...applying, ...changing, ...nodes, ...asking, ...ending],
]
