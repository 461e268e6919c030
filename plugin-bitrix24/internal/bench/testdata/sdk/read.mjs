// Reads all active people with Bitrix24's own JavaScript client in its fastest way, hand-made
// batches of 50 pages, for `make bench ARGS=--sdk`.
//
// The webhook's address is the first line of standard input. Every further line "offsets"
// or "keys" is one reading, answered by one line of JSON: {"people": n, "ms": t}.
import { createInterface } from 'node:readline'
import { ApiVersion, B24Hook } from '@bitrix24/b24jssdk'

const pageSize = 50
const batchSize = 50
const params = { filter: { ACTIVE: true, USER_TYPE: 'employee' }, select: ['ID', 'NAME', 'LAST_NAME', 'EMAIL'], sort: 'ID', order: 'ASC' }

// client insists on https; an interceptor sends its calls to the simulated portal.
function client (webhookURL) {
  const real = new URL(webhookURL)
  const hook = B24Hook.fromWebhookUrl(webhookURL.replace('http:', 'https:'))
  hook.getHttpClient(ApiVersion.v2).ajaxClient.interceptors.request.use((config) => {
    for (const key of ['url', 'baseURL']) {
      if (config[key]?.startsWith('https:')) config[key] = config[key].replace(/^https:\/\/[^/]+/, real.origin)
    }
    return config
  })
  return hook
}

async function batch (hook, calls) {
  const answer = await hook.actions.v2.batch.make({ calls, options: { isHaltOnError: true, returnAjaxResult: true } })
  if (!answer.isSuccess) throw new Error(answer.getErrorMessages().join('; '))
  return Object.values(answer.getData())
}

async function offsets (hook) {
  const people = []
  for (let total = Infinity; people.length < total;) {
    const calls = []
    for (let start = people.length; calls.length < batchSize && start < total; start += pageSize) calls.push(['user.get', { ...params, start }])
    const pages = await batch(hook, calls)
    total = pages[0].getTotal()
    for (const page of pages) people.push(...page.getData().result)
  }
  return people
}

async function keys (hook) {
  const people = []
  for (;;) {
    const calls = {}
    for (let i = 0; i < batchSize; i++) {
      const from = i === 0 ? (people.at(-1)?.ID ?? 0) : `$result[p${i - 1}][${pageSize - 1}][ID]`
      calls[`p${i}`] = ['user.get', { ...params, start: -1, filter: { ...params.filter, '>ID': from } }]
    }
    for (const page of await batch(hook, calls)) {
      const rows = page.getData().result
      people.push(...rows)
      if (rows.length < pageSize) return people
    }
  }
}

let hook
for await (const line of createInterface(process.stdin)) {
  if (!hook) {
    hook = client(line)
    continue
  }
  const started = performance.now()
  const people = await (line === 'keys' ? keys : offsets)(hook)
  console.log(JSON.stringify({ people: new Set(people.map(p => p.ID)).size, ms: performance.now() - started }))
}
