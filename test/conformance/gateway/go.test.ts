/** As much of Go as the suite's tests are written in. */
import t from 'tap'
import { parseGo } from './go/parse.ts'
import { isFunction, openSource, Several } from './go/run.ts'

const source = `
package tests

import (
	"fmt"
)

// Two of them.
var rows = []pair.Row{
	{Name: "a", Inner: &pair.Inner{Count: 2, Fields: map[string]string{"X-Y": "z"}}},
	{Name: "b"},
}

func run(t *testing.T, more []string) (string, error) {
	type unused struct{ name string }
	var (
		seen []string
		last = 0
	)
	for i := range rows {
		row := rows[i]
		if row.Inner != nil && row.Inner.Fields["X-Y"] == "z" {
			row.Name = pair.Prefix + row.Name
		} else if row.Name == "c" {
			continue
		}
		switch row.Name {
		case "x", "b":
			seen = append(seen, "second")
		default:
			seen = append(seen, row.Name)
		}
		last++
	}
	for _, each := range more {
		seen = append(seen, string(each))
	}
	joined, err := pair.Join(seen, func(text string) string { return text + fmt.Sprintf("%d", last) })
	if err != nil {
		return "", err
	}
	defer pair.Done()
	return joined[1:], nil
}
`

t.test('tables, loops and what they call', async (t) => {
  let done = 0
  const world = {
    functions: {
      'fmt.Sprintf': (_format: unknown, value: unknown) => String(value),
      'pair.Join': async (list: unknown, change: unknown) => {
        const texts: unknown[] = []
        if (Array.isArray(list) && isFunction(change)) for (const each of list) texts.push(await change(each))
        return new Several(texts.join(' '), null)
      },
      'pair.Done': () => done++,
    },
    methods: {},
    constants: new Map([['Prefix', '>>']]),
  }
  const opened = openSource(parseGo(source), world)
  const run = await opened.value('run')
  t.ok(isFunction(run))
  const found = isFunction(run) ? await run({}, ['more']) : undefined
  t.same(found instanceof Several && found.values, ['>a2 second2 more2', null])
  t.equal(done, 1)
  t.match(await opened.value('rows'), [{ Name: 'a' }, { Name: 'b' }], 'structs are copied when they are assigned')
})

t.test('what is not known is an error, not a silence', async (t) => {
  const opened = openSource(parseGo('package x\nfunc run() {\n\tkubernetes.Unknown(1, 2)\n}'), {
    ...{ functions: {}, methods: {}, constants: new Map() },
  })
  const run = await opened.value('run')
  await t.rejects(async () => isFunction(run) && (await run()), /kubernetes.Unknown is no function that is known/)
  t.throws(() => parseGo('package x\nvar y = ]'), /line 2: "]" is not understood/)
})
